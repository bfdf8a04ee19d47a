"""A child's question coming in: fed to the recogniser, watched for its end."""

import asyncio
import enum
import time

from device.protocol import RATE_HZ, Mode
from relay.completeness import Completeness
from relay.config import LimitSettings
from relay.endpoint import Endpoint
from relay.record import Stage, TurnRecord
from relay.speculation import Speculation
from relay.stt import Recognition, Transcript
from relay.voice_activity import VoiceDetector, Window

_BYTES_PER_MS = RATE_HZ * 2 // 1000


class End(enum.Enum):
    """Why listening ended."""

    RELEASED = "released"  # the paw was released
    SILENCE = "silence"
    TOO_LONG = "too_long"
    NOTHING_HEARD = "nothing_heard"
    STALLED = "stalled"  # no sound came from the toy at all


class Listening:
    """Takes sound until the question has ended; `accept` and `release` come from the reader."""

    def __init__(
        self,
        recognition: Recognition,
        *,
        endpoint: Endpoint,
        speculation: Speculation | None,
        limits: LimitSettings,
        mode: str,
        record: TurnRecord,
    ) -> None:
        self._recognition = recognition
        self._endpoint = endpoint
        self._speculation = speculation
        self._detector = VoiceDetector()
        self._limits = limits
        self._hands_free = mode == Mode.TAP
        self._record = record
        self._last_audio_at = time.monotonic()
        self._closed = False
        self._ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()

    def accept(self, pcm: bytes) -> None:
        """Add sound (16 kHz mono s16le); ignored once listening has ended."""
        if self._ended.done():
            return
        now = self._last_audio_at = time.monotonic()
        self._record.audio_in_ms += len(pcm) // _BYTES_PER_MS
        try:
            self._recognition.accept(pcm)
            for window in self._detector.hear(pcm):
                self._follow(window, now)
        except Exception as error:
            # The reader that brought this sound serves the whole session: the turn alone fails.
            self._ended.set_exception(error)
            return
        if self._record.audio_in_ms >= self._limits.max_listen_s * 1000:
            self._end(End.TOO_LONG)

    def _follow(self, window: Window, now: float) -> None:
        words = self._speculation.words if self._speculation else Completeness.UNKNOWN
        decision = self._endpoint.hear(window, words)
        if self._endpoint.voiced:
            self._record.at[Stage.LAST_VOICE] = now
        if self._hands_free and decision is not None:
            self._end(End(decision.value))
        elif self._speculation is not None:
            self._speculation.follow(self._endpoint)

    def release(self) -> None:
        """The paw was released."""
        self._end(End.RELEASED)

    def _end(self, end: End) -> None:
        if not self._ended.done():
            self._record.at[Stage.END_OF_SPEECH] = time.monotonic()
            self._record.silence_ms = self._endpoint.silence_ms
            self._ended.set_result(end)

    async def ended(self) -> End:
        """Return why listening ended; raises what the recogniser raised while it listened."""
        # Sound that trickles in slower than real time must not keep a turn open for ever.
        latest = time.monotonic() + self._limits.max_listen_s + self._limits.stall_s
        while not self._ended.done():
            now = time.monotonic()
            silent_until = self._last_audio_at + self._limits.stall_s
            if now >= silent_until:
                self._end(End.STALLED)
            elif now >= latest:
                self._end(End.TOO_LONG)
            else:
                await asyncio.wait([self._ended], timeout=min(silent_until, latest) - now)
        return self._ended.result()

    async def transcript(self) -> Transcript:
        """Return what was said; raises EngineError."""
        return await self._recognition.finish()

    def close(self) -> None:
        """Free the recogniser, and what was begun early; harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        if self._speculation is not None:
            self._speculation.close()
        if not self._ended.cancel() and not self._ended.cancelled():
            self._ended.exception()  # looked at, so that asyncio does not complain of a lost one
        self._recognition.cancel()
