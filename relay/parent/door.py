"""Logging in and out."""

import asyncio
import time

from starlette.responses import Response

from relay.parent.routing import LOGIN, Page
from relay.parent.sessions import LASTS_S, digest, new_session
from relay.parent.visit import Visit
from relay.store.audit import Deed
from relay.store.parents import Parent, fold

# Wrong passwords are answered a little later, so that trying many takes long.
_WRONG_S = 0.5


async def show_login(visit: Visit) -> Response:
    """Show the form; before anybody has an account, tell where the first link is."""
    if visit.login is not None:
        return visit.go("/")
    if not await visit.page.tables.parents.exist():
        return visit.render("first.html")
    return visit.render("login.html", name="", error=None)


async def log_in(visit: Visit) -> Response:
    """Check name and password. Nothing tells whether it was the name that was wrong."""
    name, password = visit.form.text("name"), visit.form.secret("password")
    if too_many(visit, fold(name)):
        return visit.render("login.html", 429, name=name, error="errors.too_many")
    found = await visit.page.tables.parents.find(name)
    kept = found[1] if found else None
    if not await visit.page.passwords.fits(password, kept) or found is None:
        await asyncio.sleep(_WRONG_S)
        return visit.render("login.html", 403, name=name, error="errors.login")
    await begin(visit, found[0])
    await visit.page.tables.audit.note(found[0].household, found[0].name, Deed.LOGGED_IN)
    return visit.go("/")


async def log_out(visit: Visit) -> Response:
    """Forget this browser."""
    await visit.page.tables.logins.end(visit.digest)
    visit.session = new_session()
    return visit.go(LOGIN, done="logged_out")


async def begin(visit: Visit, parent: Parent) -> None:
    """Log a parent in under a new cookie, so that nobody who knew the old one comes along."""
    await visit.page.tables.logins.end(visit.digest)
    visit.session = new_session()
    await visit.page.tables.logins.begin(
        digest(visit.session), parent.id, now=int(visit.page.now()), lasts_s=LASTS_S
    )


def too_many(visit: Visit, account: str) -> bool:
    """Count an attempt, before the work for it is done; tell whether it is one too many."""
    now = time.monotonic()
    by_address, by_account = visit.page.by_address, visit.page.by_account
    # Both are looked at in any case: neither tells by the time it takes that the other was full.
    full = (by_address.exhausted(visit.address, now), by_account.exhausted(account, now))
    if any(full):
        return True
    by_address.add(visit.address, now)
    by_account.add(account, now)
    return False


PAGES = (
    Page("GET", LOGIN, show_login, public=True),
    Page("POST", LOGIN, log_in, public=True),
    Page("POST", "/logout", log_out),
)
