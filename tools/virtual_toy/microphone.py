"""What the toy's microphone hears: one file of raw samples at a time, each with its start time."""

from __future__ import annotations

import time
from pathlib import Path

from device.protocol import RATE_HZ
from tools.virtual_toy.process import Board
from tools.virtual_toy.sound import Samples, last_voiced

LIVE_AHEAD_S = (
    0.06  # live sound reaches the microphone this much later, so that none comes too late
)


class Microphone:
    """Puts sounds in front of the toy. Sounds do not mix: a new one ends the one before."""

    def __init__(self, board: Board, folder: Path) -> None:
        self._board = board
        self._folder = folder
        self._number = 0
        self._path: Path | None = None
        self._live_start = 0.0
        self._live_samples = 0

    def play(self, samples: Samples, start: float, voiced: int | None = None) -> float:
        """Let `samples` be heard from `start` on; returns when the last voiced one is heard.

        `voiced` is the index behind that one; by default it is found by loudness.
        """
        self._begin(samples.astype("<i2").tobytes(), start)
        self._live_samples = 0
        return start + (last_voiced(samples) if voiced is None else voiced) / RATE_HZ

    def feed(self, samples: Samples) -> None:
        """Add live sound; what comes too late for its place is heard after a short silence."""
        now = time.monotonic()
        live_end = self._live_start + self._live_samples / RATE_HZ
        if not self._live_samples or live_end < now:
            self._live_start = now + LIVE_AHEAD_S
            self._live_samples = 0
            self._begin(b"", self._live_start)
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(samples.astype("<i2").tobytes())
            self._live_samples += len(samples)

    def hush(self) -> None:
        """End the sound."""
        self._live_samples = 0
        self._board.play_to_microphone(0.0, None)

    def _begin(self, content: bytes, start: float) -> None:
        before = self._path
        self._number += 1
        self._path = self._folder / f"sound-{self._number}.raw"
        self._path.write_bytes(content)
        self._board.play_to_microphone(start, self._path)
        if before is not None:
            before.unlink(missing_ok=True)  # the board still holds it open until it has switched
