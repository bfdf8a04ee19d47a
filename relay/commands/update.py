"""`python -m relay update`: give toys the firmware that lies beside this relay."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from relay.config import Settings
from relay.store import Store, Toy
from relay.update.bundle import firmware_version
from relay.update.compiler import find_compiler
from relay.update.errors import UpdateError
from relay.update.requests import UpdateRequest, UpdateRequests, UpdateState

_LOOK_S = 0.5

_WORDS = {
    UpdateState.WAITING: "waits for the toy (is it on, and `python -m relay` running?)",
    UpdateState.SENDING: "is being sent; the child can go on talking",
    UpdateState.TRYING: "the toy starts again with it, which takes up to 3 minutes",
    UpdateState.DONE: "done",
    UpdateState.FAILED: "failed",
}


def update(arguments: argparse.Namespace, settings: Settings) -> int:
    """Ask for updates and watch them; return 0 when none has failed."""
    if not arguments.cancel:
        find_compiler()  # said here, and not after the toy has been waited for
        firmware_version()
    return asyncio.run(_update(arguments, settings))


async def _update(arguments: argparse.Namespace, settings: Settings) -> int:
    store = Store(settings.store_url, timeout_s=settings.store.timeout_s)
    try:
        await store.open()
        requests = UpdateRequests(store.database)
        toys = _chosen(await store.toys(), arguments.name)
        if arguments.cancel:
            taken = [toy for toy in toys if await requests.withdraw(toy.id)]
            print(
                f"Taken back for {_names(taken)}." if taken else "There was nothing to take back."
            )
            return 0
        for toy in toys:
            await requests.ask(toy.id, again=arguments.again)
        if arguments.no_wait:
            print(f"Asked for {_names(toys)}; the running relay sees to it.")
            return 0
        watched = {toy.id: toy for toy in toys}
        results = await _watch(requests, watched, arguments.timeout, quiet=arguments.json)
    finally:
        await store.close()
    return _report(results, watched, as_json=arguments.json)


def _chosen(toys: Sequence[Toy], name: str | None) -> list[Toy]:
    chosen = [toy for toy in toys if name is None or toy.name == name.strip()]
    if not chosen:
        raise UpdateError(
            "no toy is paired yet: python -m relay toy pair NAME --age N"
            if name is None
            else f'there is no toy named "{name.strip()}": see toy list'
        )
    return chosen


async def _watch(
    requests: UpdateRequests, toys: Mapping[str, Toy], timeout_s: float, *, quiet: bool
) -> list[UpdateRequest]:
    """Show how far the updates are until all are over, or time is up; return them."""
    deadline = time.monotonic() + timeout_s
    progress = Progress(
        TextColumn("{task.fields[toy]:16}", markup=False),
        BarColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        disable=quiet,
    )
    with progress:
        rows: dict[str, TaskID] = {
            toy.id: progress.add_task(_WORDS[UpdateState.WAITING], toy=toy.name, total=None)
            for toy in toys.values()
        }
        while True:
            found = [request for request in await requests.all() if request.toy in toys]
            for request in found:
                progress.update(
                    rows[request.toy],
                    description=_WORDS[request.state],
                    completed=request.sent,
                    total=request.total or None,
                )
            over = all(request.state.is_over for request in found)
            if over or time.monotonic() >= deadline:
                return found
            await asyncio.sleep(_LOOK_S)


def _report(found: Sequence[UpdateRequest], toys: Mapping[str, Toy], *, as_json: bool) -> int:
    if as_json:
        rows = [
            vars(request) | {"name": toys[request.toy].name, "state": request.state.value}
            for request in found
        ]
        print(json.dumps(rows))
    for request in found if not as_json else ():
        name, words = toys[request.toy].name, request.message or _WORDS[request.state]
        failed = request.state is UpdateState.FAILED
        print(f"{name}: {words}", file=sys.stderr if failed else sys.stdout)
        if not request.state.is_over:
            print("  The running relay goes on with it; --cancel takes it back.")
    return 1 if any(request.state is not UpdateState.DONE for request in found) else 0


def _names(toys: Sequence[Toy]) -> str:
    return ", ".join(toy.name for toy in toys)
