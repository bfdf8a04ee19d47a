"""`python -m relay serve`: run the relay until it is told to stop."""

import argparse
import asyncio
import contextlib
import signal
import sys
import time

from relay.address import page_address, toy_address
from relay.allocator import share_arenas
from relay.app import Relay
from relay.config import Settings
from relay.parent.links import first_link, shown_fingerprint
from relay.telemetry import log_uncaught_exceptions, set_up_logging


def serve(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the relay; SIGINT (Ctrl+C) and SIGTERM stop it in good order."""
    share_arenas()
    set_up_logging(settings.log)
    log_uncaught_exceptions()
    asyncio.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    relay = Relay(settings)
    print("Bramble's relay is starting: it reads its models, which takes some seconds.", flush=True)
    began = time.monotonic()
    starting = asyncio.create_task(relay.start())
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set():
            starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        if not starting.cancelled():
            await _greet(relay, time.monotonic() - began)
            await waiting
            print("Stopping: saying goodbye to every toy.", flush=True)
    finally:
        waiting.cancel()
        await relay.stop()
    print("Stopped.", flush=True)


async def _greet(relay: Relay, seconds: float) -> None:
    listen = relay.settings.listen
    toys = await relay.store.toys()
    paired = (
        f"{len(toys)} ({', '.join(toy.name for toy in toys[:5])}{', ...' if toys[5:] else ''})"
        if toys
        else "none yet: python -m relay toy pair NAME --age N"
    )
    rows = (
        ("toys reach it at", toy_address(listen, relay.port)),
        ("toys paired", paired),
        ("listens with", relay.engines.stt.name),
        ("thinks with", relay.engines.llm.name),
        ("speaks with", relay.engines.tts.name),
        ("keeps its data in", relay.store.where),
    )
    print(f"Bramble's relay is running after {seconds:.1f} s.")
    for what, how in (*rows, *await _page_rows(relay)):
        print(f"  {what:<18} {how}")
    print("Stop it with Ctrl+C.", flush=True)


async def _page_rows(relay: Relay) -> list[tuple[str, str]]:
    """Return what there is to say of the parent's page."""
    settings, port = relay.settings.parent, relay.page_port
    if port is None:
        return []
    rows = [("parents' page", page_address(settings, port))]
    if settings.tls and relay.identity is not None:
        # No authority knows a relay at home, so browsers warn; this is what they show then.
        fingerprint = await asyncio.to_thread(shown_fingerprint, relay.identity.certificate)
        rows.append(("its fingerprint", f"{fingerprint} (browsers warn: docs/parents.md)"))
    if link := await first_link(relay.store, settings, port):
        rows.append(("first account", f"{link} (once, within a day)"))
    return rows


def _stop_on_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        if stopping.is_set():  # asked twice: at once
            sys.exit(128 + number)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows' event loop has no signal handlers; Ctrl+C cancels the main task there.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop, number)
