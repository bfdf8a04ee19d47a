# path: tools/virtual_toy/board
# timeout: 150
"""Hundreds of turns, one after the other: nothing piles up in the heap.

As many as fit into 30 s, some 250 on a quiet machine; LONG_RUN_S=100 in the environment lasts for
all 500.
"""

import asyncio
import gc
import os
import time
from array import array

from device.audio import speaker
from device.audio.earcon import Earcon
from device.states import Event, State
from tests.device.board import Bench
from tests.device.check import equal

LOUD = bytes([0, 32]) * 320
MOST_TURNS = 500
MOST_MS = int(os.getenv("LONG_RUN_S") or 30) * 1000
FEWEST_TURNS = 60
WARM_UP_TURNS = 20
MOST_GROWTH_BYTES = 2048  # in all of them, on 64 bit: 500 turns may not leave 4 bytes each

# Short turns: no one listens to these.
Earcon.LISTENING = Earcon.HEARD = Earcon.SORRY = ((660, 10),)
speaker.DMA_MS = 5


async def hold(bench, connection):
    """Ask by holding the paw; hear the answer to its end."""
    bench.toy.happen(Event.DOWN)
    bench.toy.happen(Event.HOLD)
    turn = (await connection.receive_message("listen"))["turn"]
    await connection.receive()
    bench.toy.happen(Event.UP)
    await connection.receive_message("listen_end")
    await connection.speak(turn, 2, LOUD)
    await connection.receive_message("played")


async def tap(bench, connection):
    """Ask hands-free; the relay hears the end."""
    bench.toy.happen(Event.DOWN)
    bench.toy.happen(Event.TAP)
    turn = (await connection.receive_message("listen"))["turn"]
    await connection.send({"type": "endpoint", "turn": turn, "reason": "silence"})
    await connection.speak(turn, 1, LOUD)
    await connection.receive_message("played")


async def interrupt(bench, connection):
    """Ask, and interrupt the answer by the next question, which fails."""
    bench.toy.happen(Event.DOWN)
    bench.toy.happen(Event.HOLD)
    turn = (await connection.receive_message("listen"))["turn"]
    bench.toy.happen(Event.UP)
    await connection.receive_message("listen_end")
    await connection.send({"type": "speech_start", "turn": turn})
    await connection.send_frames(turn, 0, 5, LOUD)
    await bench.until_state(State.SPEAKING)
    bench.toy.happen(Event.DOWN)
    bench.toy.happen(Event.HOLD)
    turn = (await connection.receive_message("listen"))["turn"]
    bench.toy.happen(Event.UP)
    await connection.send({"type": "speech_stop", "turn": turn, "reason": "failed", "frames": 0})


async def beat(bench, connection):
    """Answer a heartbeat and obey a command, as happens between turns."""
    await connection.send({"type": "heartbeat_ack", "time_s": 1795262400, "utc_offset_s": 3600})
    await connection.send({"type": "command", "id": "1", "name": "status", "args": {}})
    await connection.receive_message("result")


async def test_the_heap_does_not_grow_over_hundreds_of_turns():
    bench = Bench()
    connection = await bench.start(night_from="20:00", night_until="7:00")
    await connection.welcome(heartbeat_s=0.5)
    await bench.until_state(State.IDLE)
    used = array("i", bytes(4 * MOST_TURNS))  # so that the test itself does not grow
    turns = 0
    started_ms = time.ticks_ms()
    while turns < MOST_TURNS and time.ticks_diff(time.ticks_ms(), started_ms) < MOST_MS:
        for kind in (hold, tap, interrupt, beat):
            await kind(bench, connection)
            await bench.until_state(State.IDLE)
            bench.kinds.clear()
            bench.colours.clear()
            await asyncio.sleep_ms(0)
            gc.collect()
            used[turns] = gc.mem_alloc()
            turns += 1
    took_ms = time.ticks_diff(time.ticks_ms(), started_ms)
    used = list(used)[:turns]
    growth = min(used[-10:]) - min(used[WARM_UP_TURNS : WARM_UP_TURNS + 10])
    print(turns, "turns in", took_ms, "ms: growth", growth, "bytes, most in use", max(used))
    assert turns >= FEWEST_TURNS, turns
    assert growth <= MOST_GROWTH_BYTES, (growth, used[:: turns // 20])
    equal(bench.toy._crash, None)
