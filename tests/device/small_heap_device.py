# heap: 300K
# path: tools/virtual_toy/board
"""A conversation in a small heap.

The figure is for 64 bits, where objects take twice the room they take on the ESP32, and holds
what the board would not have there: about 44 KB of simulated hardware, the scripted relay, and the
compiler, because the sources are not precompiled here.
"""

import gc

gc.threshold(16384)  # as device.app does, before the larger part of the modules is loaded

from device.states import State  # noqa: E402
from tests.device.board import Bench  # noqa: E402
from tests.device.check import equal  # noqa: E402

LOUD = bytes([0, 32]) * 320


async def test_a_conversation_fits():
    bench = Bench()
    connection = await bench.start()
    await connection.welcome()
    await bench.until_state(State.IDLE)
    for _ in range(3):
        turn, _ = await bench.ask(connection)
        await connection.speak(turn, 60, LOUD)
        equal((await connection.receive_message("played"))["played_ms"], 1200)
        await bench.until_state(State.IDLE)
        bench.kinds.clear()
        bench.colours.clear()


async def test_a_new_connection_fits():
    bench = Bench()
    connection = await bench.start()
    for _ in range(4):
        await connection.welcome()
        await bench.until_state(State.IDLE)
        await connection.close(1001)
        connection = await bench.relay.next_connection()
