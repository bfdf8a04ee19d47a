"""Toys: see, name, hand to a child, let rest, and take away for good."""

from starlette.responses import Response

from relay.database import StoreError
from relay.parent.routing import Page
from relay.parent.toy_view import view_of
from relay.parent.visit import Visit
from relay.store.audit import Deed
from relay.store.toy import Toy
from relay.store.values import NameTaken, NotFound, clean_name

TOYS = "/toys"


async def show_toys(visit: Visit) -> Response:
    """List the household's toys."""
    children = {child.id: child for child in await visit.page.tables.children.of(visit.household)}
    toys = await visit.page.tables.toys.of(visit.household)
    views = [view_of(toy, children, visit.page.sessions) for toy in toys]
    return visit.render("toys.html", toys=views)


async def show_toy(visit: Visit) -> Response:
    """Show one toy and what can be changed."""
    toy = await _toy(visit)
    return await _form(visit, toy, toy.name, toy.child or "")


async def change_toy(visit: Visit) -> Response:
    """Rename a toy, hand it to a child."""
    toy, tables = await _toy(visit), visit.page.tables
    name, child = visit.form.text("name"), visit.form.text("child")
    children = await tables.children.of(visit.household)
    errors: dict[str, str] = {}
    try:
        clean_name(name)
    except StoreError:
        errors["name"] = "errors.name"
    if child and child not in {one.id for one in children}:
        errors["child"] = "errors.choose"
    if not errors:
        try:
            if name != toy.name:
                await tables.toys.rename(visit.household, toy.id, name)
            if child != (toy.child or ""):
                await tables.toys.give_to(visit.household, toy.id, child or None)
        except NameTaken:
            errors["name"] = "errors.toy_name_taken"
        except NotFound:
            errors["child"] = "errors.choose"
    if errors:
        return await _form(visit, toy, name, child, errors)
    await visit.page.changed()
    whose = next((one.name for one in children if one.id == child), "")
    await visit.note(Deed.TOY_CHANGED, name, whose)
    return visit.go(f"{TOYS}/{toy.id}", done="saved")


async def pause_toy(visit: Visit) -> Response:
    """Let a toy rest."""
    return await _pause(visit, True)


async def wake_toy(visit: Visit) -> Response:
    """Let a toy talk again."""
    return await _pause(visit, False)


async def ask_before_revoking(visit: Visit) -> Response:
    """Ask whether the toy is to lose its key."""
    return visit.render("revoke.html", toy=await _toy(visit))


async def revoke_toy(visit: Visit) -> Response:
    """Take the toy's key away; it is cut off at once."""
    toy = await visit.page.tables.toys.revoke(visit.household, visit.part("toy"))
    await visit.page.changed()
    await visit.note(Deed.TOY_REVOKED, toy.name)
    return visit.go(TOYS, done="toy_revoked")


async def _pause(visit: Visit, paused: bool) -> Response:
    toy = await visit.page.tables.toys.pause(visit.household, visit.part("toy"), paused)
    await visit.page.changed()
    await visit.note(Deed.TOY_PAUSED if paused else Deed.TOY_WOKEN, toy.name)
    return visit.go(f"{TOYS}/{toy.id}", done="toy_paused" if paused else "toy_woken")


async def _toy(visit: Visit) -> Toy:
    return await visit.page.tables.toys.get(visit.household, visit.part("toy"))


async def _form(
    visit: Visit, toy: Toy, name: str, child: str, errors: dict[str, str] | None = None
) -> Response:
    children = await visit.page.tables.children.of(visit.household)
    by_id = {one.id: one for one in children}
    session = visit.page.sessions.get(toy.id)
    return visit.render(
        "toy.html",
        422 if errors else 200,
        firmware=session.hello.firmware if session and session.hello else "",
        view=view_of(toy, by_id, visit.page.sessions),
        children=children,
        name=name,
        child=child,
        errors=errors or {},
    )


PAGES = (
    Page("GET", TOYS, show_toys),
    Page("GET", TOYS + "/{toy}", show_toy),
    Page("POST", TOYS + "/{toy}", change_toy),
    Page("POST", TOYS + "/{toy}/pause", pause_toy),
    Page("POST", TOYS + "/{toy}/wake", wake_toy),
    Page("GET", TOYS + "/{toy}/revoke", ask_before_revoking),
    Page("POST", TOYS + "/{toy}/revoke", revoke_toy),
)
