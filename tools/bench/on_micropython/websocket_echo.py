"""The client under test of `tools.bench websocket`: echoes messages; runs on MicroPython.

micropython websocket_echo.py PORT AGENT
"""

import asyncio
import sys

from device.websocket.client import connect
from device.websocket.errors import ConnectionClosed
from device.websocket.frames import Opcode

HOST = "127.0.0.1"
# The largest message outside the performance sections that this client leaves out (case 7.1.6).
MAX_MESSAGE_BYTES = 256 * 1024


async def echo(port: int, path: str) -> str:
    """Send back every message until the connection ends; return the last one as text."""
    websocket = await connect(HOST, port, path, max_message_bytes=MAX_MESSAGE_BYTES)
    last = ""
    try:
        while True:
            opcode, payload = await websocket.receive()
            if opcode == Opcode.TEXT:
                last = str(payload, "utf-8")
                await websocket.send_text(last)
            else:
                await websocket.send_binary(payload, len(payload))
    except ConnectionClosed:
        return last


async def main(port: int, agent: str) -> None:
    """Go through all cases of the fuzzing server, printing the number of each, then report."""
    count = int(await echo(port, "/getCaseCount"))
    print("cases", count)
    for case in range(1, count + 1):
        await echo(port, f"/runCase?case={case}&agent={agent}")
        print("case", case)
    await echo(port, f"/updateReports?agent={agent}")


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
