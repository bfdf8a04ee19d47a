"""`python -m relay parent ...`: links for accounts, from the computer that the relay runs on."""

import argparse
import json
import time

from relay.address import page_address
from relay.commands.with_store import with_store
from relay.config import Settings
from relay.database import StoreError
from relay.parent.welcome import LINK
from relay.store import Store
from relay.store.households import Households
from relay.store.invitations import InvitationKind, Invitations
from relay.store.parents import Parents


def link(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a one-time link that makes an account; of a new household where one is named."""

    async def make(store: Store) -> str:
        households = Households(store.database)
        household = (
            await households.add(arguments.household)
            if arguments.household
            else await households.home()
        )
        return await Invitations(store.database).make(household.id, InvitationKind.FIRST)

    _print_link(settings, with_store(settings, make), "It makes a parent's account")
    return 0


def reset(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a one-time link that sets a parent's password anew."""

    async def make(store: Store) -> str:
        found = await Parents(store.database).find(arguments.name)
        if found is None:
            raise StoreError(f'nobody logs in as "{arguments.name}": see parent list')
        parent, _ = found
        invitations = Invitations(store.database)
        return await invitations.make(parent.household, InvitationKind.RESET, parent.id)

    _print_link(settings, with_store(settings, make), f'It sets the password of "{arguments.name}"')
    return 0


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """List the parents who have an account."""

    async def look(store: Store) -> list[dict[str, object]]:
        households = {one.id: one.name for one in await Households(store.database).all()}
        return [
            {"name": one.name, "household": households[one.household], "created": one.created}
            for one in await Parents(store.database).all()
        ]

    rows = with_store(settings, look)
    if arguments.json:
        print(json.dumps(rows))
    elif not rows:
        print("Nobody has an account yet: python -m relay parent link")
    else:
        print(f"{'NAME':<24} {'HOUSEHOLD':<24} SINCE")
        for row in rows:
            since = time.strftime("%Y-%m-%d", time.localtime(int(str(row["created"]))))
            print(f"{row['name']!s:<24} {row['household']!s:<24} {since}")
    return 0


def _print_link(settings: Settings, secret: str, what: str) -> None:
    address = page_address(settings.parent, settings.parent.port)
    print(f"{address}{LINK}/{secret}\n")
    print(f"{what}, once and within the day (a new password: within the hour).")
    print("Open it in a browser while the relay runs. Whoever has it may use it.")
