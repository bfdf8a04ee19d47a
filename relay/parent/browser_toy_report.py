"""How a turn goes, for the screen of the parent who speaks to a browser toy; kept nowhere."""

import asyncio
import json
from collections.abc import Callable, Iterable

from relay.link import ToyLink
from relay.parent.texts import catalogue
from relay.record import Stage, TurnRecord
from relay.safety.verdict import Action

_EVERY_S = 0.1


class Reporter:
    """Sends `turn_report` messages beside the toy's own protocol, when something is new."""

    def __init__(self, link: ToyLink) -> None:
        self._link = link
        self._finished: list[TurnRecord] = []
        self._sent: dict[int, str] = {}  # by turn

    def note(self, record: TurnRecord) -> None:
        """Report a finished turn once more: a turn observer."""
        self._finished.append(record)

    async def run(self, under_way: Callable[[], Iterable[TurnRecord]]) -> None:
        """Report until cancelled; raises LinkClosed."""
        while True:
            await asyncio.sleep(_EVERY_S)
            due, self._finished = [*self._finished, *under_way()], []
            sent, self._sent = self._sent, {}
            for record in due:
                report = turn_report(record)
                if record.heard or record.said:
                    self._sent[record.turn] = report
                    if report != sent.get(record.turn):
                        await self._link.send(report)


def turn_report(record: TurnRecord) -> str:
    """Return the message; `first_sound_ms` is the time from the end of the question, or null."""
    stopped = [each for each in record.verdicts if each.action is not Action.ALLOW]
    first_sound_ms = record.between_ms(Stage.END_OF_SPEECH, Stage.FIRST_FRAME)
    return json.dumps(
        {
            "type": "turn_report",
            "turn": record.turn,
            "heard": record.heard,
            "said": record.said,
            "stopped": _about(stopped[0].category) if stopped else "",
            "alert": any(each.alert is not None for each in stopped),
            "first_sound_ms": None if first_sound_ms is None else round(first_sound_ms),
            "outcome": None if record.outcome is None else record.outcome.value,
        }
    )


def _about(category: str) -> str:
    return str(catalogue().get(f"category.{category}", category.replace("_", " ")))
