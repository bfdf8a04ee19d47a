"""Eyes and ears on a toy: what its light shows, what its speaker plays, what happens to it."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Callable
from dataclasses import dataclass

from device.light import BLINK, LOOKS
from tools.virtual_toy.board import _wire
from tools.virtual_toy.errors import ToyStoppedError
from tools.virtual_toy.lights import OFF, Colour, look_of
from tools.virtual_toy.process import Message
from tools.virtual_toy.sound import Samples
from tools.virtual_toy.speaker import SpeakerRecording

KEPT_EVENTS = 20000
KEPT_LINES = 200
LAST_WORDS = 12
POLL_S = 0.02
BLINKING = {look for look, (*_, movement, _) in LOOKS.items() if movement == BLINK}


@dataclass(frozen=True)
class Event:
    """Something the toy did or that was done to it, at `at` seconds of time.monotonic()."""

    at: float
    name: str
    detail: str = ""


class Senses:
    """Takes in everything the board does; `light` is the pin of its light."""

    def __init__(
        self,
        light: int,
        *,
        on_event: Callable[[Event], None] | None = None,
        on_sound: Callable[[float, Samples], None] | None = None,
        on_console: Callable[[str], None] | None = None,
    ) -> None:
        self.events: collections.deque[Event] = collections.deque(maxlen=KEPT_EVENTS)
        self.looks: collections.deque[tuple[float, str]] = collections.deque(maxlen=KEPT_EVENTS)
        self.console: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
        self.speaker = SpeakerRecording()
        self.led: Colour = (0, 0, 0)
        self.look: str = OFF
        self.boots = 0
        self.microphone_open = False
        self.stopped = False
        self._light = light
        self._on_event = on_event
        self._on_sound = on_sound
        self._on_console = on_console
        self._changed = asyncio.Event()

    def note(self, name: str, detail: str = "", at: float | None = None) -> Event:
        """Remember an event, of now if it has no time of its own."""
        event = Event(time.monotonic() if at is None else at, name, detail)
        self.events.append(event)
        if self._on_event is not None:
            self._on_event(event)
        self._changed.set()
        return event

    def read_line(self, line: str) -> None:
        """Take a line of the console."""
        self.console.append(line)
        if self._on_console is not None:
            self._on_console(line)

    def notice_end(self) -> None:
        """The firmware runs no longer."""
        self.stopped = True
        self.microphone_open = False
        self.speaker.close(time.monotonic())
        self.note("stopped")

    async def wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until `condition()`; False after `timeout_s`, ToyStoppedError if the toy is dead."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if self.stopped:
                words = "\n".join(list(self.console)[-LAST_WORDS:]) or "(it printed nothing)"
                raise ToyStoppedError(f"The firmware has stopped. Its last words:\n{words}")
            if time.monotonic() > deadline:
                return False
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), POLL_S)
            except asyncio.TimeoutError:
                continue
        return True

    def take(self, message: Message) -> None:
        """Take in one message of the board."""
        kind, at = message.kind, message.at
        if kind == _wire.LED and message.number == self._light:
            self._see((message.payload[0], message.payload[1], message.payload[2]), at)
        elif kind == _wire.SPEAKER_DATA:
            piece = self.speaker.add(at, message.payload)
            if self._on_sound is not None:
                self._on_sound(piece.start, piece.samples)
        elif kind == _wire.SPEAKER_OPENED:
            self.speaker.open(message.payload)
            self.note("speaker", "opened", at)
        elif kind == _wire.SPEAKER_CLOSED:
            self.speaker.close(at)
            self.note("speaker", "closed", at)
        elif kind in (_wire.MICROPHONE_OPENED, _wire.MICROPHONE_CLOSED):
            self.microphone_open = kind == _wire.MICROPHONE_OPENED
            self.note("microphone", "opened" if self.microphone_open else "closed", at)
        elif kind == _wire.MICROPHONE_OVERRUN:
            self.note("microphone", f"lost {message.count} frames", at)
        elif kind == _wire.WIFI:
            self.note("wifi", message.payload.decode(), at)
        else:
            self._notice_power(message)

    def _notice_power(self, message: Message) -> None:
        if message.kind == _wire.BOOTED:
            self.boots += 1
            self.microphone_open = False
            self.note("booted", str(self.boots), message.at)
        elif message.kind in (_wire.RESET, _wire.DEEP_SLEEP):
            # The amplifier falls silent and the light goes out with the pins.
            self.speaker.close(message.at)
            self.microphone_open = False
            self._see((0, 0, 0), message.at)
            self.note("reset" if message.kind == _wire.RESET else "deep sleep", "", message.at)

    def _see(self, colour: Colour, at: float) -> None:
        self.led = colour
        look = look_of(colour)
        if look == OFF and self.look in BLINKING:
            return  # dark is half of that look
        if look != self.look:
            self.look = look
            self.looks.append((at, look))
            self.note("light", look, at)
