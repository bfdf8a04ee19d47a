"""Erases what has had its time: at the start, and every hour."""

import asyncio
import logging
import time

from relay.database import Database, StoreError
from relay.history.vitals import SAMPLE_EVERY_S
from relay.store.health import Health
from relay.store.transcripts import Transcripts
from relay.telemetry import log

_logger = logging.getLogger(__name__)

HEALTH_DAYS = 14
# Of what is older than this one sample in so many is enough for a chart.
THIN_AFTER_DAYS, THINNED_S = 2, 6 * SAMPLE_EVERY_S
_EVERY_S = 3600.0
_AGAIN_S = 300.0  # after the database could not be used
_DAY_S = 24 * 3600


class Retention:
    """`run` is a task."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._transcripts = Transcripts(database)
        self._health = Health(database)

    async def run(self) -> None:
        """Erase what is due, now and every hour, until cancelled."""
        while True:
            wait_s = _EVERY_S
            try:
                await self.erase_due(int(time.time()))
            except StoreError as error:
                log(_logger, logging.ERROR, "nothing could be erased", reason=str(error))
                wait_s = _AGAIN_S
            except Exception:
                log(_logger, logging.ERROR, "retention failed")
            await asyncio.sleep(wait_s)

    async def erase_due(self, now: int) -> None:
        """Erase what is due at a time in Unix seconds; raises StoreError."""
        turns = await self._transcripts.erase_expired(now)
        samples = await self._health.erase_before(now - HEALTH_DAYS * _DAY_S)
        samples += await self._health.thin(now - THIN_AFTER_DAYS * _DAY_S, THINNED_S)
        if turns:
            # What the log of the database still holds of them goes too.
            await self._database.settle()
        if turns or samples:
            log(_logger, logging.INFO, "erased what was due", turns=turns, samples=samples)
