"""What a running relay opens to the network: the two ports of its settings, and nothing else."""

import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.log_watch import WATCH
from tests.relay.relay_process import environment

PATIENCE_S = 150
# proc(5): the states of /proc/net/tcp and udp in which others can send something.
LISTENING, UNCONNECTED = "0A", "07"
MULTICAST_DNS = 5353

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net"),
    pytest.mark.timeout(400),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def family(pid):
    """Return the ids of a process and everything that it has started."""
    found = [pid]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def sockets_of(pid):
    """Return the inodes of a process's sockets."""
    found = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.add(str(path.readlink()))
    return {link[8:-1] for link in found if link.startswith("socket:[")}


def opened(pid):
    """Return what others can reach of a process: (protocol, address in hex, port)."""
    own = set().union(*map(sockets_of, family(pid)))
    found = set()
    for protocol in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[9] in own and fields[3] in (LISTENING, UNCONNECTED):
                found.add((protocol, address, int(port, 16)))
    return found


async def test_a_relay_opens_its_two_ports_and_nothing_else(tmp_path):
    toys, page = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "serve"),
        cwd=tmp_path,
        env=environment(
            tmp_path,
            BRAMBLE_LISTEN__PORT=str(toys),
            BRAMBLE_PARENT__PORT=str(page),
            BRAMBLE_LOG__LEVEL="DEBUG",
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    reading = asyncio.create_task(process.communicate())
    try:
        while not {toys, page} <= {port for _, _, port in opened(process.pid)}:
            assert process.returncode is None, (await reading)[1]
            await asyncio.sleep(0.2)
        reached = opened(process.pid)
        strangers = {
            each for each in reached if each[2] not in (toys, page) and each[2] != MULTICAST_DNS
        }
        # A socket that sends alone (mDNS answers) has a port of its own choice, of UDP.
        assert not {each for each in strangers if not each[0].startswith("udp")}, reached
        loopback = "0100007F"
        assert {each[1] for each in reached if each[0].startswith("tcp")} == {loopback}
        # And what is open is encrypted: plain words get no answer.
        for port in (toys, page):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(100), PATIENCE_S)
            assert b"HTTP" not in answer
            writer.close()
    finally:
        process.send_signal(signal.SIGTERM)
        printed, logged = await asyncio.wait_for(reading, PATIENCE_S)
        WATCH.learn_printed(printed.decode())
        WATCH.read(logged.decode())
    assert process.returncode == 0
