"""Adding a toy: a code to carry to it, and what has become of that."""

import re

from starlette.responses import Response

from device.protocol import OLDEST_AGE, YOUNGEST_AGE
from relay.address import toy_address
from relay.database import StoreError
from relay.pairing import OfferState, offer, state_of
from relay.pairing.offers import MOST_OPEN_OF_A_HOUSEHOLD
from relay.parent.errors import Refused
from relay.parent.routing import Page
from relay.parent.visit import Visit
from relay.store.audit import Deed
from relay.store.values import NameTaken, clean_name

ADD = "/add-toy"
_AGES = range(YOUNGEST_AGE, OLDEST_AGE + 1)
_DIGEST = re.compile(r"[0-9a-f]{64}")


async def show_add_toy(visit: Visit) -> Response:
    """Show the form for a new toy."""
    return await _form(visit, "", "", "", {})


async def make_code(visit: Visit) -> Response:
    """Make a code and show it, this once."""
    children = {one.id: one for one in await visit.page.tables.children.of(visit.household)}
    form = visit.form
    name, child, age = form.text("name"), form.text("child"), form.text("age")
    errors: dict[str, str] = {}
    try:
        clean_name(name)
    except StoreError:
        errors["name"] = "errors.name"
    if child and child not in children:
        errors["child"] = "errors.choose"
    if not child and age not in map(str, _AGES):
        errors["age"] = "errors.age"
    if errors:
        return await _form(visit, name, child, age, errors)
    waiting = await visit.page.tables.pairings.open(visit.household)
    if len(waiting) >= MOST_OPEN_OF_A_HOUSEHOLD:
        raise Refused(429, "errors.too_many_codes")
    years = children[child].age if child else int(age)
    try:
        made = await offer(visit.page.store, visit.household, name, years, child or None)
    except NameTaken:
        return await _form(visit, name, child, age, {"name": "errors.toy_name_taken"})
    await visit.note(Deed.TOY_OFFERED, name)
    listen = visit.page.settings.listen
    return visit.render(
        "code.html",
        name=name,
        code=made.code,
        relay=toy_address(listen, listen.port),
        progress=_progress(visit, made.digest.hex(), OfferState.WAITING, made.expires),
    )


async def show_progress(visit: Visit) -> Response:
    """Show what has become of an offer, for a page that keeps itself fresh."""
    digest = visit.part("offer")
    if not _DIGEST.fullmatch(digest):
        raise Refused(404, "errors.not_found")
    found = await visit.page.tables.pairings.find(bytes.fromhex(digest))
    if found is None or found.household != visit.household:
        raise Refused(404, "errors.not_found")
    state = await state_of(visit.page.store, found.code_digest)
    return visit.render(
        "code_progress.html", progress=_progress(visit, digest, state, found.expires)
    )


def _progress(visit: Visit, digest: str, state: OfferState, expires: int) -> dict[str, str]:
    left_s = max(0, expires - int(visit.page.now()))
    return {
        "offer": digest,
        "state": state.value,
        "left": f"{left_s // 60}:{left_s % 60:02d}",
    }


async def _form(visit: Visit, name: str, child: str, age: str, errors: dict[str, str]) -> Response:
    return visit.render(
        "add_toy.html",
        422 if errors else 200,
        children=await visit.page.tables.children.of(visit.household),
        ages=_AGES,
        name=name,
        child=child,
        age=age,
        errors=errors,
        possible=visit.page.settings.listen.tls,
    )


PAGES = (
    Page("GET", ADD, show_add_toy),
    Page("POST", ADD, make_code),
    Page("GET", ADD + "/{offer}", show_progress),
)
