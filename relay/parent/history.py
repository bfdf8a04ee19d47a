"""What was said, where a parent has it kept: by day, searchable, with the reason of every stop."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from relay.parent.paging import mark, read_mark
from relay.parent.routing import Page
from relay.parent.texts import catalogue
from relay.parent.visit import Visit
from relay.store.transcripts import Transcript

HISTORY = "/children/{child}/history"
_ON_A_PAGE = 50
_LONGEST_SEARCH = 100


@dataclass(frozen=True)
class Stop:
    """Why something was stopped: a text key of whose words, and one of what they were about."""

    side: str
    about: str


@dataclass(frozen=True)
class Said:
    """A turn for the page."""

    turn: Transcript
    stops: tuple[Stop, ...]


async def show_history(visit: Visit) -> Response:
    """Show a child's conversations, newest first."""
    tables, now = visit.page.tables, int(visit.page.now())
    child = await tables.children.get(visit.household, visit.part("child"))
    words = visit.request.query_params.get("words", "").strip()[:_LONGEST_SEARCH]
    before = read_mark(visit.request.query_params.get("before", ""))
    found = await tables.transcripts.of(
        # PostgreSQL knows no NUL; nothing that was said holds one.
        visit.household,
        child.id,
        now=now,
        words=words.replace("\0", ""),
        before=before,
        limit=_ON_A_PAGE + 1,
    )
    shown = found[:_ON_A_PAGE]
    return visit.render(
        "history.html",
        child=child,
        rules=await tables.rules.of(visit.household, child.id),
        toys={toy.id: toy.name for toy in await tables.toys.of(visit.household)},
        days=_by_day(shown),
        words=words,
        is_first=before is None,
        earlier=mark(shown[-1].at, shown[-1].id) if len(found) > _ON_A_PAGE else None,
    )


def _by_day(turns: Sequence[Transcript]) -> list[tuple[int, list[Said]]]:
    """Return the turns of each day at home, with a time of that day."""
    days = itertools.groupby(turns, key=lambda turn: time.localtime(turn.at)[:3])
    grouped = [[Said(turn, stops_of(turn.reason)) for turn in of_day] for _, of_day in days]
    return [(said[0].turn.at, said) for said in grouped]


def stops_of(reason: str) -> tuple[Stop, ...]:
    """Return the reasons of a turn as text keys; what this version does not know is "other"."""
    stops = []
    for one in reason.split():
        side, _, about = one.partition(":")
        known = f"category.{about}"
        stops.append(
            Stop(
                "stop.heard" if side == "heard" else "stop.said",
                known if known in catalogue() else "category.other",
            )
        )
    return tuple(stops)


PAGES = (Page("GET", HISTORY, show_history),)
