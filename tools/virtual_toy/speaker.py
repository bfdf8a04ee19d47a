"""What came out of the toy's speaker, sample by sample with its time.

Kept is what left the DMA: what a `deinit()` or a reset dropped is taken out again, and where
nothing was handed over there is silence.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import soxr

from device.protocol import RATE_HZ
from tools.virtual_toy.board import _wire
from tools.virtual_toy.sound import Samples

AUDIBLE = 8  # counts of 32768; below it nothing is heard
KEEP_S = 600.0


@dataclass(frozen=True)
class Piece:
    """Samples that were handed over together; the first left the DMA at `start` (monotonic s)."""

    start: float
    samples: Samples

    @property
    def end(self) -> float:
        """When the last sample has left."""
        return self.start + len(self.samples) / RATE_HZ


class SpeakerRecording:
    """The last KEEP_S seconds of what was heard."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.end = 0.0  # when the last sample handed over so far has left
        self.dma_s = 0.064  # how much sound the DMA holds
        self._rate, self._bits, self._channels = RATE_HZ, 16, 2

    def open(self, payload: bytes) -> None:
        """Take note of the format in which the firmware writes."""
        self._rate, self._bits, self._channels, memory = struct.unpack(
            _wire.SPEAKER_FORMAT, payload
        )
        self.dma_s = memory / (self._rate * self._bits // 8 * self._channels)

    def add(self, start: float, payload: bytes) -> Piece:
        """Add what the firmware wrote."""
        piece = Piece(start, self._fold(payload))
        if self.pieces and self.pieces[0].end < start - KEEP_S:
            self.pieces = [kept for kept in self.pieces if kept.end >= start - KEEP_S / 2]
        self.pieces.append(piece)
        self.end = max(self.end, piece.end)
        return piece

    def close(self, at: float) -> None:
        """Drop what would have left the DMA after `at`."""
        kept = []
        for piece in self.pieces:
            count = max(0, round((at - piece.start) * RATE_HZ))
            if count >= len(piece.samples):
                kept.append(piece)
            elif count:
                kept.append(Piece(piece.start, piece.samples[:count]))
        self.pieces = kept
        self.end = min(self.end, at)

    def _fold(self, payload: bytes) -> Samples:
        samples = np.frombuffer(payload, "<i2" if self._bits == 16 else "<i4").astype(np.int32)
        if self._bits == 32:
            samples >>= 16
        if self._channels == 2:
            samples = samples.reshape(-1, 2).sum(axis=1) // 2
        elif self._bits == 16:
            # The classic ESP32 sends adjacent samples of 16-bit mono in the wrong order.
            even = len(samples) // 2 * 2
            samples[:even] = samples[:even].reshape(-1, 2)[:, ::-1].reshape(-1)
        folded: Samples = samples.astype(np.int16)
        if self._rate != RATE_HZ:
            folded = soxr.resample(folded, self._rate, RATE_HZ)
        return folded

    def between(self, start: float, end: float) -> Samples:
        """Return what was heard from `start` to `end`, silence where nothing was."""
        heard = np.zeros(max(0, round((end - start) * RATE_HZ)), np.int16)
        for piece in self.pieces:
            if piece.end > start and piece.start < end:
                index = round((piece.start - start) * RATE_HZ)
                skip = max(0, -index)
                part = piece.samples[skip : skip + len(heard) - max(0, index)]
                heard[max(0, index) : max(0, index) + len(part)] = part
        return heard

    def after(self, start: float, count: int) -> float:
        """Return when `count` samples from the piece around `start` on have left, gaps aside."""
        for piece in self.pieces:
            if piece.end > start:
                if len(piece.samples) >= count:
                    return piece.start + count / RATE_HZ
                count -= len(piece.samples)
        return self.end

    def first_audible(self, start: float, end: float) -> float | None:
        """Return when the first sample that can be heard left between `start` and `end`."""
        audible = np.flatnonzero(np.abs(self.between(start, end).astype(np.int32)) >= AUDIBLE)
        return start + float(audible[0]) / RATE_HZ if len(audible) else None

    def last_audible(self, start: float, end: float) -> float | None:
        """Return when the last sample that can be heard had left between `start` and `end`."""
        audible = np.flatnonzero(np.abs(self.between(start, end).astype(np.int32)) >= AUDIBLE)
        return start + float(audible[-1] + 1) / RATE_HZ if len(audible) else None

    def gaps(self, start: float, end: float, shortest_ms: float = 5.0) -> list[float]:
        """Return the length in ms of each stretch in which the DMA had run dry."""
        gaps = []
        before = start
        for piece in self.pieces:
            if piece.end > start and piece.start < end:
                if (piece.start - before) * 1000 >= shortest_ms:
                    gaps.append((piece.start - before) * 1000)
                before = max(before, piece.end)
        return gaps
