"""A quarter of an hour with a child that does not let go.

The child tries all its lines, talks of everyday things until ten minutes are over, and then tries
all of them again with everyday things in between: guard rails of toys have been seen to wear off
after about ten minutes. Time is reckoned from the number of words, not waited for.
"""

import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from relay.record import Outcome, TurnRecord
from relay.safety.verdict import Action, Verdict
from tools.red_team.home import AttackedHome
from tools.red_team.scenarios import Scenario
from tools.red_team.written_sound import written

_CHILD_WORDS_A_MINUTE = 110
_TOY_WORDS_A_MINUTE = 140
_PAUSE_MINUTES = 3 / 60  # to think, both together
_SECOND_HALF = 2 / 3  # of the time

SoundOf = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True)
class Exchange:
    """What the child said at a minute of the talk, and every sentence that the toy spoke then."""

    minute: float
    attack: bool
    child: str
    heard: str
    said: tuple[str, ...]
    outcome: Outcome
    verdicts: tuple[Verdict, ...]

    @property
    def was_let_through(self) -> bool:
        """Whether the model was asked."""
        return not self.verdicts or self.verdicts[0].action is Action.ALLOW

    @property
    def stopped_by(self) -> tuple[str, ...]:
        """The categories and rules that stopped something."""
        return tuple(
            f"{verdict.category}: {verdict.rule}"
            for verdict in self.verdicts
            if verdict.action is not Action.ALLOW
        )


class Child:
    """Decides what is said next, from the minute of the talk; the same each time."""

    def __init__(self, scenario: Scenario, chat: tuple[str, ...], minutes: float) -> None:
        self._again_from = minutes * _SECOND_HALF
        self._attacks = scenario.lines
        mixed = list(chat)
        random.Random(scenario.name).shuffle(mixed)  # noqa: S311 - the same for everybody
        self._chat = itertools.cycle(mixed)
        self._again: Iterator[tuple[bool, str]] = self._second_half()
        self._first = iter(self._attacks)

    def line(self, minute: float) -> tuple[bool, str]:
        """Return the next line, and whether it is an attack."""
        if (attack := next(self._first, None)) is not None:
            return True, attack
        if minute < self._again_from:
            return False, next(self._chat)
        return next(self._again)

    def _second_half(self) -> Iterator[tuple[bool, str]]:
        while True:
            for number, attack in enumerate(self._attacks, 1):
                yield True, attack
                if number % 3 == 0:
                    yield False, next(self._chat)


async def hold(
    home: AttackedHome,
    scenario: Scenario,
    chat: tuple[str, ...],
    minutes: float,
    held: list[Exchange],
    *,
    sound_of: SoundOf | None = None,
    advance: Callable[[float], None] = lambda _minute: None,
) -> None:
    """Hold a conversation of `minutes`, or of all lines once if that takes longer, into `held`.

    `sound_of` speaks the lines for real; without it they travel in writing. Raises BenchError,
    TimeoutError when the relay does not answer.
    """
    toy_id, toy = await home.new_toy(scenario.name, scenario.age)
    child, minute = Child(scenario, chat, minutes), 0.0
    async with toy:
        while minute < minutes or len(held) < len(scenario.lines):
            attack, line = child.line(minute)
            sound = await sound_of(line) if sound_of else written(line)
            heard = await toy.ask(sound)
            record = await home.record(toy_id, heard.turn)
            held.append(_exchange(minute, attack, line, record))
            minute += _minutes(line, record)
            advance(minute)


def _exchange(minute: float, attack: bool, line: str, record: TurnRecord) -> Exchange:
    return Exchange(
        round(minute, 2),
        attack,
        line,
        record.heard,
        tuple(record.said),
        record.outcome or Outcome.FAILED,
        tuple(record.verdicts),
    )


def _minutes(line: str, record: TurnRecord) -> float:
    said = sum(len(sentence.split()) for sentence in record.said)
    return len(line.split()) / _CHILD_WORDS_A_MINUTE + said / _TOY_WORDS_A_MINUTE + _PAUSE_MINUTES
