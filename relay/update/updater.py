"""Carries out the requests for updates: one task a toy, for as long as the toy is there."""

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from device.update.manifest import version_of
from relay.errors import RelayError
from relay.schema import LONGEST_MESSAGE
from relay.session import Session, State
from relay.store import Store
from relay.telemetry import log
from relay.update import delivery
from relay.update.bundle import build_bundle, firmware_version
from relay.update.compiler import SOURCE
from relay.update.errors import LinkBroken, UpdateError, Withdrawn
from relay.update.parcel import Parcel, update_key
from relay.update.requests import UpdateRequest, UpdateRequests, UpdateState

_logger = logging.getLogger(__name__)

_NOTE_EVERY_S = 0.5
_AFTER_A_BREAK_S = 5.0


class Updater:
    """Serves the requests in `store` from the firmware in `source`.

    `messages_per_second` is what a toy may send: half of it is left to its conversation.
    """

    def __init__(self, store: Store, messages_per_second: float, source: Path = SOURCE) -> None:
        self._store = store
        self._requests = UpdateRequests(store.database)
        self._pause_s = 2 / messages_per_second
        self._source = source
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tried_in: dict[str, str] = {}  # toy -> the session that ended with "try it"

    async def look(self, sessions: Sequence[Session]) -> None:
        """Start what can be started now, and see what has become of the rest; StoreError."""
        connected = {session.toy.id: session for session in sessions if session.hello}
        for request in await self._requests.all():
            session = connected.get(request.toy)
            if session is None or request.state.is_over or request.toy in self._tasks:
                continue
            if request.state is not UpdateState.TRYING:
                task = asyncio.create_task(self._serve(request, session))
                self._tasks[request.toy] = task
                task.add_done_callback(functools.partial(self._forget, request.toy))
            elif self._tried_in.get(request.toy) != session.id:
                await self._judge(request, session)

    def _forget(self, toy: str, _task: "asyncio.Task[None]") -> None:
        del self._tasks[toy]

    async def stop(self) -> None:
        """Stop sending; the toys go on where they were when the relay is back."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _serve(self, request: UpdateRequest, session: Session) -> None:
        try:
            await self._attempt(request, session)
        except Withdrawn:
            log(_logger, logging.INFO, "update taken back", toy=request.toy)
        except Exception as error:
            log(_logger, logging.ERROR, "update broke", toy=request.toy, error=type(error).__name__)
            with contextlib.suppress(RelayError):
                await self._note(request, UpdateState.FAILED, message="internal error; see the log")

    async def _attempt(self, request: UpdateRequest, session: Session) -> None:
        try:
            await self._update(request, session)
        except LinkBroken:
            # An answer to "try it" that got lost says nothing; the next hello will tell.
            if self._tried_in.get(request.toy) != session.id:
                await self._note(request, UpdateState.WAITING)
                if session.state is not State.CLOSED:  # it is there and does not answer
                    await asyncio.sleep(_AFTER_A_BREAK_S)
        except UpdateError as error:
            await self._note(request, UpdateState.FAILED, message=str(error)[:LONGEST_MESSAGE])

    async def _update(self, request: UpdateRequest, session: Session) -> None:
        hello = session.hello
        if hello is None or hello.mpy is None:
            raise UpdateError(
                "the toy's firmware knows no updates yet: flash it once more by cable"
            )
        version = firmware_version(self._source)
        if not request.again and not is_newer(version, hello.firmware):
            message = f"it runs {hello.firmware}, which is not older than the {version} here"
            await self._note(request, UpdateState.DONE, version=version, message=message)
            return
        found = await self._store.toy_with_digest(request.toy)
        if found is None:
            raise Withdrawn
        bundle = await asyncio.to_thread(build_bundle, hello.mpy, self._source)
        replaces = hello.firmware if request.again else None
        parcel = Parcel(bundle, update_key(found[1]), replaces)
        noted_at = 0.0

        async def progress(sent: int) -> None:
            nonlocal noted_at
            if time.monotonic() - noted_at >= _NOTE_EVERY_S:
                noted_at = time.monotonic()
                await self._note(
                    request, UpdateState.SENDING, sent=sent, total=parcel.size, version=version
                )

        await delivery.send(session, parcel, progress, self._pause_s)
        # Noted before the toy is told: the link may be gone before its answer is here.
        self._tried_in[request.toy] = session.id
        await self._note(
            request, UpdateState.TRYING, sent=parcel.size, total=parcel.size, version=version
        )
        await delivery.apply(session)

    async def _judge(self, request: UpdateRequest, session: Session) -> None:
        """The toy is back: with the new version, or with the one before?"""
        runs = session.hello.firmware if session.hello else ""
        if runs == request.version:
            await self._note(request, UpdateState.DONE, message=f"it runs {runs} now")
            return
        message = (
            f"version {request.version} did not start well, lost power, or did not reach home in "
            f"time; the toy has gone back to {runs} by itself"
        )
        await self._note(request, UpdateState.FAILED, message=message)

    async def _note(self, request: UpdateRequest, state: UpdateState, **values: str | int) -> None:
        log(_logger, logging.INFO, "update", toy=request.toy, state=state.value, **values)
        if not await self._requests.note(request.toy, state, **values):
            raise Withdrawn


def is_newer(version: str, running: str) -> bool:
    """Tell whether `version` is newer than what a toy says it runs; UpdateError if unreadable."""
    try:
        return bool(version_of(version) > version_of(running))
    except ValueError as error:
        raise UpdateError(f"the versions cannot be compared: {error}") from error
