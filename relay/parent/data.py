"""The family's data: all of it to take away, a child's or everything to erase."""

import time

from starlette.responses import Response

from relay.parent.door import too_many
from relay.parent.render import render
from relay.parent.routing import Page
from relay.parent.sessions import new_session
from relay.parent.visit import Visit
from relay.privacy.erase import erase_child, erase_household
from relay.privacy.export import Data, export
from relay.store.audit import Deed
from relay.store.children import Child
from relay.store.parents import fold

DATA = "/account/data"
ERASED = "/erased"


async def show_data(visit: Visit) -> Response:
    """Tell what is kept, and offer it."""
    children = await visit.page.tables.children.of(visit.household)
    return visit.render("data.html", children=children)


async def take_everything(visit: Visit) -> Response:
    """Hand out everything that is kept of the household."""
    return await _hand_out(visit, None)


async def take_child(visit: Visit) -> Response:
    """Hand out everything that is kept of one child."""
    return await _hand_out(visit, await _child(visit))


async def ask_before_erasing_child(visit: Visit) -> Response:
    """Ask for the child's name, so that no slip of a finger erases anything."""
    return visit.render("erase_child.html", child=await _child(visit), error=None)


async def erase_one_child(visit: Visit) -> Response:
    """Erase a child and everything kept of it."""
    child = await _child(visit)
    typed = visit.form.text("name")
    if fold(typed) != fold(child.name):
        return visit.render("erase_child.html", 422, child=child, error="errors.other_name")
    # Running toys must not write anything about the child any more while it is erased.
    await visit.page.tables.children.withdraw(visit.household, child.id)
    await visit.page.changed()
    await visit.note(Deed.CHILD_ERASED)
    await erase_child(visit.page.tables.database, visit.household, child.id)
    await visit.page.changed()
    return visit.go("/children", done="child_erased")


async def ask_before_erasing_everything(visit: Visit) -> Response:
    """Ask for the password before everything goes."""
    return visit.render("erase_everything.html", error=None)


async def erase_everything(visit: Visit) -> Response:
    """Erase the whole household, the parents' accounts included."""
    if too_many(visit, fold(visit.parent.name)):
        return visit.render("erase_everything.html", 429, error="errors.too_many")
    found = await visit.page.tables.parents.find(visit.parent.name)
    password = visit.form.secret("password")
    if found is None or not await visit.page.passwords.fits(password, found[1]):
        return visit.render("erase_everything.html", 422, error="errors.password_current")
    await erase_household(visit.page.tables.database, visit.household)
    await visit.page.changed()
    visit.session = new_session()
    return visit.go(ERASED)


async def show_erased(visit: Visit) -> Response:
    """Say goodbye."""
    return visit.render("erased.html")


async def _child(visit: Visit) -> Child:
    return await visit.page.tables.children.get(visit.household, visit.part("child"))


async def _hand_out(visit: Visit, child: Child | None) -> Response:
    def readable(data: Data) -> str:
        return render("export.html", data=data, made=int(time.time()))

    content = await export(
        visit.page.tables.database, visit.household, child.id if child else None, readable
    )
    await visit.note(Deed.DATA_TAKEN, child.name if child else "")
    name = time.strftime("bramble-%Y-%m-%d.zip")
    return Response(
        content,
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


PAGES = (
    Page("GET", DATA, show_data),
    Page("POST", DATA, take_everything),
    Page("GET", DATA + "/erase", ask_before_erasing_everything),
    Page("POST", DATA + "/erase", erase_everything),
    Page("POST", "/children/{child}/export", take_child),
    Page("GET", "/children/{child}/erase", ask_before_erasing_child),
    Page("POST", "/children/{child}/erase", erase_one_child),
    Page("GET", ERASED, show_erased, public=True),
)
