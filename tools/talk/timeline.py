"""What happened in one turn, and when, at the toy and at the relay, on one clock."""

from dataclasses import dataclass

from relay.record import Stage, TurnRecord
from tools.virtual_toy import Reply

# What a stage means to somebody who reads the table. Those that are left out say nothing new.
RELAY_STEPS = {
    Stage.END_OF_SPEECH: "knows that the question is over",
    Stage.TEXT: "has the words",
    Stage.HEARD_CHECKED: "has checked them",
    Stage.FIRST_TOKEN: "model's first piece of a word",
    Stage.FIRST_SENTENCE: "first sentence thought",
    Stage.SAID_CHECKED: "first sentence checked",
    Stage.FIRST_SPEECH: "first sentence spoken",
    Stage.FIRST_FRAME: "first sound sent",
    Stage.LAST_FRAME: "last sound sent",
    Stage.PLAYED: "toy has played all of it",
}


@dataclass(frozen=True)
class Moment:
    """Something that happened: where, what, and how many ms after the child stopped speaking."""

    where: str
    what: str
    at_ms: float


def timeline(record: TurnRecord, reply: Reply) -> list[Moment]:
    """Return the moments of a turn in their order, in ms after the last voiced sample was heard.

    Both clocks are the host's `time.monotonic()`; stages that were not reached are left out.
    """
    zero = reply.last_voiced_at or reply.pressed_at
    toy = (
        ("child stops speaking", reply.last_voiced_at),
        ("paw released", reply.released_at),
        ('"heard you" sound', reply.first_earcon_at),
        ("first word out of the speaker", reply.first_speech_at),
    )
    moments = [Moment("toy", what, (at - zero) * 1000) for what, at in toy if at is not None]
    return sorted(moments + relay_moments(record, zero), key=lambda moment: moment.at_ms)


def relay_moments(record: TurnRecord, zero: float | None = None) -> list[Moment]:
    """Return what the relay did, in ms after `zero`; after the end of speech without it."""
    if zero is None:
        zero = record.at.get(Stage.END_OF_SPEECH, record.at[Stage.LISTEN])
    return [
        Moment("relay", what, (record.at[stage] - zero) * 1000)
        for stage, what in RELAY_STEPS.items()
        if stage in record.at
    ]
