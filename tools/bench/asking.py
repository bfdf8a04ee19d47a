"""Asking a virtual toy questions, one after the other as one child would, and what came of each.

The relay and the models are the real ones, the firmware too. A child that has heard the answer
begin asks on: the times are over by then, and a run of 100 questions takes minutes, not an hour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from device.light import Look
from relay.audio import samples_of
from relay.lines import Situation
from relay.record import Outcome, Stage, TurnRecord
from tools.bench.questions import Question
from tools.bench.silence import silences_ms
from tools.talk.home import ANSWER_TIMEOUT_S, Home
from tools.virtual_toy import NetworkConditions, Reply, VirtualToy

READY_TIMEOUT_S = 30
ENOUGH_MS = 500  # of the answer, before the child asks on
KIND_LINES = frozenset(situation.value for situation in Situation)


@dataclass(frozen=True)
class Series:
    """Questions that are asked in the same way. `whole`: every answer is heard to its end."""

    questions: list[Question]
    mode: Literal["hold", "tap"]
    jitter_ms: float = 0
    whole: bool = False


@dataclass(frozen=True)
class Run:
    """One question asked, and what came of it."""

    question: Question
    mode: str
    jitter_ms: float
    record: TurnRecord
    reply: Reply

    @property
    def answered(self) -> bool:
        """Whether words that answer the question came out of the speaker."""
        ended = self.record.outcome in {Outcome.ANSWERED, Outcome.REVIEWED}
        # Cancelled is what the bench itself does once it has heard enough.
        asked_on = self.record.outcome is Outcome.CANCELLED and bool(self.record.said)
        canned = bool(self.record.said) and self.record.said[0] in KIND_LINES
        return (ended or asked_on) and not canned and self.reply.answered

    @property
    def cut_off(self) -> bool:
        """Whether the relay took the question for finished while the child still spoke."""
        end, voiced = self.record.at.get(Stage.END_OF_SPEECH), self.reply.last_voiced_at
        return end is not None and voiced is not None and end < voiced

    @property
    def turnaround_ms(self) -> float | None:
        """From the end of speech, as the relay knows it, to the first frame."""
        return self.record.between_ms(Stage.END_OF_SPEECH, Stage.FIRST_FRAME)

    @property
    def voice_to_voice_ms(self) -> float | None:
        """From the last voiced sample in to the first word out."""
        return None if self.cut_off else self.reply.voice_to_voice_ms

    @property
    def first_sound_ms(self) -> float | None:
        """From letting go of the paw to the first sound of any kind; None hands-free."""
        return self.reply.first_sound_ms

    @property
    def longest_silence_ms(self) -> float:
        """The longest silence inside the answer: between sentences, or because it ran dry."""
        return max(silences_ms(self.reply.speech), default=0.0)


async def ask_all(home: Home, series: list[Series], age: int, note: Callable[[Run], None]) -> None:
    """Ask every question of every series; `note` gets each run as soon as it is over.

    Raises VirtualToyError, TimeoutError.
    """
    for number, each in enumerate(series):
        token = await home.pair(name=f"toy {number}", age=age)
        async with VirtualToy(
            relay_url=home.url,
            relay_certificate=home.certificate,
            token=token,
            age=age,
            network=NetworkConditions(jitter_ms=each.jitter_ms),
        ) as toy:
            await toy.wait_until_ready(READY_TIMEOUT_S)
            for question in each.questions:
                last = question is each.questions[-1]
                turns_before = len(home.records)
                reply = await toy.ask(
                    samples_of(question.pcm),
                    mode=each.mode,
                    voiced_samples=question.voiced_samples,
                    interrupt_after_ms=None if each.whole or last else ENOUGH_MS,
                    timeout_s=ANSWER_TIMEOUT_S,
                )
                record = await home.record_after(turns_before)
                note(Run(question, each.mode, each.jitter_ms, record, reply))
            await toy.wait_for_look(Look.IDLE)
