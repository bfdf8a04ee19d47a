"""All of a relay's history: one thing to start and to stop."""

import asyncio
from collections.abc import Callable, Mapping

from relay.database import Database
from relay.history.keeper import Keeper
from relay.history.live import Live
from relay.history.retention import Retention
from relay.history.vitals import Patient, Vitals
from relay.house import House
from relay.record import TurnRecord
from relay.store.diary import Diary
from relay.store.health import Health


class Recorder:
    """Keeps what happens from `start` to `stop`; give `observe` every turn.

    `sessions` returns the connected toys by id; `lose` hears how many turns could not be kept.
    """

    def __init__(
        self,
        database: Database,
        house: House,
        *,
        lose: Callable[[int], None],
    ) -> None:
        self.live = Live()
        self._health = Health(database)
        self._vitals: Vitals | None = None
        self._keeper = Keeper(Diary(database), house, show=self.live.show, lose=lose)
        self._retention = Retention(database)
        self._tasks: list[asyncio.Task[None]] = []

    def observe(self, record: TurnRecord) -> None:
        """Keep a turn that has ended; a turn observer."""
        self._keeper.observe(record)
        if self._vitals is not None:
            self._vitals.observe(record)

    def start(self, sessions: Mapping[str, Patient]) -> None:
        """Begin to write, to look at the toys, and to erase."""
        self._vitals = Vitals(self._health, sessions)
        self._keeper.start()
        self._tasks = [
            asyncio.create_task(self._vitals.watch()),
            asyncio.create_task(self._retention.run()),
        ]

    async def stop(self) -> None:
        """Write what is left and stop; harmless when repeated, and before `start`."""
        self.live.close()
        await self._keeper.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []
