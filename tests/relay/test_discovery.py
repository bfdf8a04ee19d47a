"""The relay's announcement, asked for by the toy's own code on the real MicroPython."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest

from relay.certificate import load_identity
from relay.config import ListenSettings
from relay.discovery import Announcer, announced_hosts
from tests.relay.relay_process import ROOT

MICROPYTHON = shutil.which("micropython", path=str(Path(sys.executable).parent))
# Straight to this computer's own responder: whether multicast passes is the network's affair.
ASK = """
import asyncio, json
from device import discovery

print(json.dumps(asyncio.run(discovery.find({house!r}, ("127.0.0.1", 5353)))))
"""


async def ask(house):
    assert MICROPYTHON, "the test extra installs MicroPython"
    process = await asyncio.create_subprocess_exec(
        MICROPYTHON,
        "-c",
        ASK.format(house=house),
        env={"MICROPYPATH": f"{ROOT}:.frozen"},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return [tuple(one) for one in json.loads(output)]


async def ask_until(house, wanted):
    """Ask until the answer is `wanted`: announcing takes a second or two."""
    for _ in range(15):
        found = await ask(house)
        if found == wanted:
            break
    return found


async def test_a_relay_is_found_by_its_house_until_it_stops(tmp_path):
    identity = load_identity(tmp_path, [])
    house = identity.fingerprint[:16]
    announcer = Announcer(identity, 8765, lambda: ["127.0.0.1"])
    announcer.start()
    try:
        here = [(house, "127.0.0.1", 8765)]
        assert await ask_until(house, here) == here
        assert await ask_until(None, here) == here
        assert await ask("0" * 16) == []
    finally:
        await announcer.stop()
    assert await ask(house) == []


async def test_what_cannot_be_announced_is_no_trouble(tmp_path, caplog):
    identity = load_identity(tmp_path, [])
    # An address of documentation (RFC 5737), which is none of this computer's.
    announcer = Announcer(identity, 8765, lambda: ["203.0.113.7"])
    announcer.start()
    for _ in range(100):
        if "not announced" in caplog.text:
            break
        await asyncio.sleep(0.1)
    await announcer.stop()
    assert "not announced" in caplog.text


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", []), ("localhost", []), ("::1", []), ("192.168.1.10", ["192.168.1.10"])],
)
def test_only_what_others_can_reach_is_announced(host, expected):
    assert announced_hosts(ListenSettings(host=host))() == expected
