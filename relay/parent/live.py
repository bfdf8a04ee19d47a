"""The live view: what the toys do now, and what is said where that is kept, as it happens."""

import time
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from relay.history.live import Live, TooManyWatchers, Watcher
from relay.parent.errors import Refused
from relay.parent.history import stops_of
from relay.parent.render import render
from relay.parent.routing import Page
from relay.parent.sessions import IDLE_S
from relay.parent.toy_view import ToyView, view_of
from relay.parent.visit import Visit
from relay.store.children import Child
from relay.store.toy import Toy
from relay.store.transcripts import Transcript
from relay.streams import within

LIVE = "/live"
_EVENTS = "text/event-stream"
_LOOK_S = 0.5
# What a page shows may change besides the toys' states, and the log-in may end.
_LOOK_AGAIN_S = 5.0
_HEARTBEAT_S = 15.0
_COME_BACK_MS = 2000


async def show_live(visit: Visit) -> Response:
    """Show what the toys do now; a page without scripts can be loaded again."""
    toys, children = await _family(visit)
    views = [view_of(toy, children, visit.page.sessions) for toy in toys]
    return visit.render("live.html", toys=views, events=LIVE + "/events")


async def stream_live(visit: Visit) -> Response:
    """Send what happens, as it happens (server-sent events)."""
    if _EVENTS not in visit.request.headers.get("accept", ""):
        raise Refused(406, "errors.stream")
    live: Live = visit.page.live
    if not live.has_room(visit.household):
        raise Refused(503, "errors.watchers")
    return StreamingResponse(_watched(visit, live), media_type=_EVENTS)


async def _watched(visit: Visit, live: Live) -> AsyncIterator[str]:
    try:
        with live.watch(visit.household) as watcher:
            yield f"retry: {_COME_BACK_MS}\n\n"
            async for event in _events(visit, watcher):
                yield event
    except TooManyWatchers:
        return  # others were quicker; the browser comes back


async def _events(visit: Visit, watcher: Watcher) -> AsyncIterator[str]:
    shown: list[ToyView] | None = None
    sent_at = looked_at = -_HEARTBEAT_S
    toys: list[Toy] = []
    children: dict[str, Child] = {}
    while not watcher.is_over:
        now = time.monotonic()
        if now - looked_at >= _LOOK_AGAIN_S:
            if not await _is_logged_in(visit):
                yield _event("over", "")
                return
            toys, children = await _family(visit)
            looked_at = now
        views = [view_of(toy, children, visit.page.sessions) for toy in toys]
        if views != shown:
            shown, sent_at = views, now
            yield _event("toys", render("live_toys.html", toys=views))
        elif now - sent_at >= _HEARTBEAT_S:
            sent_at = now
            yield ": still here\n\n"
        if (turn := await _next(watcher)) is not None:
            sent_at = now
            names = {toy.id: toy.name for toy in toys}
            yield _event(
                "words",
                render("live_words.html", turn=turn, stops=stops_of(turn.reason), toys=names),
            )


async def _next(watcher: Watcher) -> Transcript | None:
    try:
        return await within(watcher.next(), _LOOK_S)
    except TimeoutError:
        return None


async def _is_logged_in(visit: Visit) -> bool:
    found = await visit.page.tables.logins.find(
        visit.digest, now=int(visit.page.now()), idle_s=IDLE_S, is_use=False
    )
    return found is not None


async def _family(visit: Visit) -> tuple[list[Toy], dict[str, Child]]:
    tables = visit.page.tables
    children = {child.id: child for child in await tables.children.of(visit.household)}
    return await tables.toys.of(visit.household), children


def _event(name: str, html: str) -> str:
    """Return an event: every line of what it carries begins with its field's name."""
    data = "".join(f"data: {line}\n" for line in html.strip().splitlines()) or "data:\n"
    return f"event: {name}\n{data}\n"


PAGES = (
    Page("GET", LIVE, show_live),
    Page("GET", LIVE + "/events", stream_live, by_itself=True),
)
