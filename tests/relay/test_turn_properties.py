"""Whatever a child says, in whatever pieces: only its last words are answered, told, remembered."""

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.age import AgeBand
from relay.config import Settings
from relay.lines import Lines, Situation
from relay.record import Outcome, TurnRecord
from relay.safety.verdict import Action, Alert
from relay.services import Services
from relay.stt import Transcript
from relay.talk import Talk
from relay.turn import Phase, Turn
from relay.voice_activity import WINDOW_BYTES, Window
from tests.relay.scripted_engines import (
    ScriptedEars,
    ScriptedEngines,
    ScriptedMind,
    ScriptedSafety,
    ScriptedVoice,
    tone,
)
from tests.relay.scripted_guardian import ScriptedGuardian

WORDS = ("sky", "ghost", "hurts", "dangerous", "and", "blue")


class LoudnessDetector:
    """Hears a voice wherever there is sound."""

    def __init__(self) -> None:
        self._pending = b""

    def hear(self, pcm: bytes) -> Iterator[Window]:
        self._pending += pcm
        while len(self._pending) >= WINDOW_BYTES:
            window = self._pending[:WINDOW_BYTES]
            self._pending = self._pending[WINDOW_BYTES:]
            yield Window(1.0, -20.0) if any(window) else Window(0.0, -100.0)


class SpellingEars(ScriptedEars):
    """Reads the words from the loudness of the sound: n is the nth of WORDS."""

    def transcript(self, pcm: bytes) -> Transcript:
        said: list[str] = []
        before = 0
        for (sample,) in struct.iter_unpack("<h", pcm):
            if sample and sample != before:
                said.append(WORDS[sample % len(WORDS)])
            before = sample
        return Transcript(" ".join(said))


class Wire:
    """What the toy was sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, frame: Any) -> None:
        self.sent.append(frame)

    @property
    def speech(self) -> list[Any]:
        return [each for each in self.sent if isinstance(each, bytes) or "speech_start" in each]


@dataclass
class Step:
    """Some voice, a pause, and how often the relay gets to work meanwhile."""

    voiced: int
    silent: int
    breaths: int


STEPS = st.lists(
    st.builds(Step, st.integers(0, 12), st.integers(0, 14), st.integers(0, 12)),
    min_size=1,
    max_size=8,
)
WHAT_ENDS_IT = st.sampled_from(["release", "silence", "cancel"])


@settings(max_examples=60, deadline=None)
@given(STEPS, WHAT_ENDS_IT)
def test_only_the_last_words_are_answered_told_and_remembered(steps: list[Step], end: str) -> None:
    with patch("relay.listening.VoiceDetector", LoudnessDetector):
        asyncio.run(_converse(steps, end))


async def _converse(steps: list[Step], end: str) -> None:
    alerts: list[Alert] = []
    records: list[TurnRecord] = []

    async def alert(kind: Alert, **_context: object) -> None:
        alerts.append(kind)

    mind = ScriptedMind()
    ears, voice = SpellingEars(), ScriptedVoice(20)
    gate = ScriptedSafety()
    services = Services(
        settings=Settings(),
        engines=ScriptedEngines(ears, mind, voice),
        safety=gate,
        lines=Lines({situation: tone(20) for situation in Situation}),
        alerts=alert,
        guardian=ScriptedGuardian(),
        observers=[records.append],
    )
    wire = Wire()
    talk = Talk("session", "bear", AgeBand.AGES_6_TO_8, wire, 1, 5000, 40)  # type: ignore[arg-type]
    turn = Turn(services, talk, 1, "tap" if end == "silence" else "hold")
    running = asyncio.create_task(turn.run())
    for number, step in enumerate(steps):
        for windows, loudness in ((step.voiced, number + 1), (step.silent, 0)):
            pcm = struct.pack("<h", loudness) * (windows * WINDOW_BYTES // 2)
            for start in range(0, len(pcm), WINDOW_BYTES):
                if turn.phase is Phase.LISTENING:
                    turn.hear(pcm[start : start + WINDOW_BYTES])
            for _ in range(step.breaths):
                await asyncio.sleep(0)
            if turn.phase is Phase.LISTENING:
                assert wire.speech == [], "heard before the child had finished"
                assert alerts == []
    if end == "cancel" and turn.phase is Phase.LISTENING:
        running.cancel()
    elif end == "silence":
        while turn.phase is Phase.LISTENING:
            turn.hear(bytes(WINDOW_BYTES))
            await asyncio.sleep(0)
    else:
        turn.release()
    while not running.done():
        turn.played()
        await asyncio.sleep(0.001)
    turn.finish()  # as the session does: a task cancelled before its first step never ran
    await asyncio.sleep(0.001)
    await services.alerts_delivered(1)
    heard = ears.utterances[0].pcm
    assert ears.utterances[0].cancelled
    assert mind.under_way == 0
    (record,) = records
    final = ears.transcript(bytes(heard)).text
    if record.outcome is Outcome.CANCELLED:
        assert (wire.speech, alerts, record.verdicts, record.said) == ([], [], [], [])
        assert talk.conversation.messages(0) == []
        return
    if record.outcome is Outcome.NOT_UNDERSTOOD:
        assert (alerts, record.verdicts, talk.conversation.messages(0)) == ([], [], [])
        return
    assert record.heard == final
    words = set(final.split())
    stopped = words & {"ghost", "hurts", "dangerous"}
    assert alerts == ([Alert.SELF_HARM] if "hurts" in words else [])
    assert record.outcome is (Outcome.REVIEWED if stopped else Outcome.ANSWERED)
    assert len(record.verdicts) == 1 + (0 if stopped else len(record.said))
    assert [v.action for v in record.verdicts[1:]] == [Action.ALLOW] * (len(record.verdicts) - 1)
    remembered = [message.text for message in talk.conversation.messages(0)]
    assert remembered == ([] if stopped else [final, " ".join(record.said)])
    assert record.speculations <= len(steps)
