"""Leaving: a restart that was asked for, and the deep sleep from which a squeeze wakes the toy."""

import asyncio

import esp32
import machine
from machine import Pin

from device import crash
from device.protocol import Close, Message

ANSWER_MS = 100  # for the answer to the command that asked for it
SEND_MS = 300


async def restart(toy):
    """Say goodbye and start again. Returns never."""
    await asyncio.sleep_ms(ANSWER_MS)
    await _leave(toy, "restart")
    crash.restart()


async def sleep(toy):
    """Say goodbye, put out the light and sleep until the paw is squeezed. Returns never."""
    await _leave(toy, "sleep")
    toy.ears.close()
    toy.speaker.close()
    toy.light.put_out()
    board = toy.board
    if board.power_hold is not None:  # without it the board would switch itself off for good
        Pin(board.power_hold, Pin.OUT, value=1, hold=True)
        esp32.gpio_deep_sleep_hold(True)
    # Held, for otherwise an S3 forgets the pull-up in its sleep and wakes at once.
    paw = Pin(board.paw, Pin.IN, Pin.PULL_UP, hold=True)
    esp32.wake_on_ext0(paw, esp32.WAKEUP_ALL_LOW)
    machine.deepsleep()


async def _leave(toy, reason):
    toy.outbox.post({"type": Message.GOODBYE, "reason": reason})
    await asyncio.sleep_ms(SEND_MS)
    await toy.link.close(Close.GOING_AWAY)
