"""`python -m relay toy pair`: show a code that lets a new toy in, and watch what becomes of it."""

import argparse
import asyncio
import json
import time

from rich.console import Console

from relay.config import Settings
from relay.errors import ConfigError
from relay.pairing import Offer, OfferState, offer, state_of
from relay.store import Store

_LOOK_S = 0.5
_WORDS = {
    OfferState.PAIRED: "is paired.",
    OfferState.SPOILT: "is not paired: another code was tried, or a newer one asked for.",
    OfferState.EXPIRED: "is not paired: nobody used the code in time.",
}


def pair(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a pairing code; return 0 when a toy has used it (or nobody is to wait for that)."""
    if not settings.listen.tls:
        raise ConfigError(
            "listen.tls is off, and without it nobody can be sure whom a code goes to: "
            "switch it on, or use `toy add`"
        )
    return asyncio.run(_pair(arguments, settings))


async def _pair(arguments: argparse.Namespace, settings: Settings) -> int:
    store = Store(settings.store_url, timeout_s=settings.store.timeout_s)
    try:
        await store.open()
        made = await offer(store, None, arguments.name, arguments.age)
        if arguments.json:
            print(json.dumps({"code": made.code, "expires": made.expires}), flush=True)
        else:
            print(f'The pairing code of "{arguments.name.strip()}", good once, for 10 minutes:\n')
            print(f"  {made.code}\n")
            print("Type it into the toy's set-up page (docs/setup.md), or give it to a new board:")
            print(f'  make flash ARGS="--code {made.code}"\n', flush=True)
        if arguments.no_wait:
            return 0
        state = await _watch(store, made)
    finally:
        await store.close()
    if not arguments.json:
        print(f'"{arguments.name.strip()}" {_WORDS[state]}')
    return 0 if state is OfferState.PAIRED else 1


async def _watch(store: Store, made: Offer) -> OfferState:
    """Return what has become of the offer; the running relay is what changes it."""
    with Console(stderr=True).status("Waiting for the toy ...") as status:
        while (state := await state_of(store, made.digest)) is OfferState.WAITING:
            left_s = max(0, made.expires - int(time.time()))
            status.update(
                f"Waiting for the toy ({left_s // 60}:{left_s % 60:02} left); Ctrl+C ends"
            )
            await asyncio.sleep(_LOOK_S)
    return state
