"""Who is watching now, and what they are told: each watcher has a short queue of its own."""

import asyncio
import contextlib
from collections.abc import Iterator

from relay.errors import RelayError
from relay.store.transcripts import Transcript

MOST_WATCHERS = 32
MOST_OF_A_HOUSEHOLD = 6
_MOST_WAITING = 50


class TooManyWatchers(RelayError):
    """As many are watching already as the relay can bear."""


class Watcher:
    """One who watches a household's toys."""

    def __init__(self, household: str) -> None:
        self.household = household
        self.is_over = False
        self._turns: asyncio.Queue[Transcript | None] = asyncio.Queue(_MOST_WAITING)

    def tell(self, turn: Transcript | None) -> None:
        """Tell of a turn, or with None that something else happened; who is slow misses it."""
        with contextlib.suppress(asyncio.QueueFull):
            self._turns.put_nowait(turn)

    async def next(self) -> Transcript | None:
        """Return the next turn; None when there may be something else to look at."""
        return await self._turns.get()


class Live:
    """All who watch; used from the event loop only."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._closed = False

    def has_room(self, household: str) -> bool:
        """Tell whether one more of a household may watch."""
        of_this = sum(one.household == household for one in self._watchers)
        crowded = len(self._watchers) >= MOST_WATCHERS or of_this >= MOST_OF_A_HOUSEHOLD
        return not (crowded or self._closed)

    @contextlib.contextmanager
    def watch(self, household: str) -> Iterator[Watcher]:
        """Add a watcher for as long as the block lasts; raises TooManyWatchers."""
        if not self.has_room(household):
            raise TooManyWatchers("as many are watching already as the relay can bear")
        watcher = Watcher(household)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def show(self, turn: Transcript) -> None:
        """Show the words of a turn to those of its household who watch."""
        for watcher in self._watchers:
            if watcher.household == turn.household:
                watcher.tell(turn)

    def close(self) -> None:
        """Tell everybody that it is over, as when the relay stops."""
        self._closed = True
        for watcher in self._watchers:
            watcher.is_over = True
            watcher.tell(None)
