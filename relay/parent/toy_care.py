"""Find a toy by its sound, and give it newer software."""

from dataclasses import dataclass

from starlette.responses import Response

from relay.parent.errors import Refused
from relay.parent.routing import Page
from relay.parent.toys import TOYS
from relay.parent.visit import Visit
from relay.store.audit import Deed
from relay.store.toy import Toy
from relay.toy_commands import CommandResult
from relay.update.bundle import firmware_version
from relay.update.compiler import find_compiler
from relay.update.errors import UpdateError
from relay.update.requests import UpdateRequest
from relay.update.updater import is_newer

UPDATE = TOYS + "/{toy}/update"


@dataclass(frozen=True)
class Software:
    """`running` is the version on the toy, "" unless it is connected; `here` the relay's.

    `problem` says why none can be given, in the words of the command line.
    """

    running: str
    here: str
    is_newer: bool
    problem: str = ""


async def have_done(
    visit: Visit, toy: Toy, command: str, args: dict[str, str] | None = None
) -> CommandResult | None:
    """Have a toy carry out a command; None if it is not there."""
    session = visit.page.sessions.get(toy.id)
    return None if session is None else await session.command(command, args)


def trouble(result: CommandResult | None) -> str:
    """Return the text key of what a toy's answer means, "" if it went well."""
    if result is None:
        return "trouble.away"
    if result.ok:
        return ""
    if not result.answered:
        return "trouble.silent"
    if result.error == "busy":
        return "trouble.busy"
    return "trouble.unknown" if result.error == "unknown command" else "trouble.refused"


async def find_toy(visit: Visit) -> Response:
    """Let the toy chirp."""
    toy = await visit.page.tables.toys.get(visit.household, visit.part("toy"))
    wrong = trouble(await have_done(visit, toy, "chirp"))
    if wrong:
        return visit.render("toy_trouble.html", 409, toy=toy, trouble=wrong)
    await visit.note(Deed.TOY_FOUND, toy.name)
    return visit.go(f"{TOYS}/{toy.id}", done="toy_found")


async def show_update(visit: Visit) -> Response:
    """Show what software a toy has, and what it could have."""
    toy = await visit.page.tables.toys.get(visit.household, visit.part("toy"))
    return visit.render(
        "toy_update.html", toy=toy, software=software_of(visit, toy), update=await _of(visit, toy)
    )


async def show_update_now(visit: Visit) -> Response:
    """Show only how far the update is, for a page that keeps itself fresh."""
    toy = await visit.page.tables.toys.get(visit.household, visit.part("toy"))
    update = await _of(visit, toy)
    if update is None:
        raise Refused(404, "errors.not_found")
    response = visit.render("toy_update_now.html", toy=toy, update=update)
    if update.state.is_over:
        response.headers["HX-Refresh"] = "true"  # the rest of the page has changed, too
    return response


async def ask_for_update(visit: Visit) -> Response:
    """Ask for an update; the relay gives it when the toy is there."""
    toy = await visit.page.tables.toys.get(visit.household, visit.part("toy"))
    if software_of(visit, toy).problem:
        raise Refused(409, "errors.update")
    await visit.page.tables.updates.ask(toy.id, again=False)
    await visit.note(Deed.TOY_UPDATED, toy.name)
    return visit.go(UPDATE.format(toy=toy.id))


async def take_update_back(visit: Visit) -> Response:
    """Take back what was asked for."""
    toy = await visit.page.tables.toys.get(visit.household, visit.part("toy"))
    await visit.page.tables.updates.withdraw(toy.id)
    return visit.go(UPDATE.format(toy=toy.id))


def software_of(visit: Visit, toy: Toy) -> Software:
    """Return what a toy runs, and whether there is newer software."""
    session = visit.page.sessions.get(toy.id)
    running = session.hello.firmware if session and session.hello else ""
    try:
        find_compiler()
        here = firmware_version()
        return Software(running, here, bool(running) and is_newer(here, running))
    except UpdateError as error:
        return Software(running, "", False, str(error))


async def _of(visit: Visit, toy: Toy) -> UpdateRequest | None:
    requests = await visit.page.tables.updates.all()
    return next((request for request in requests if request.toy == toy.id), None)


PAGES = (
    Page("POST", TOYS + "/{toy}/find", find_toy),
    Page("GET", UPDATE, show_update),
    Page("GET", UPDATE + "/now", show_update_now),
    Page("POST", UPDATE, ask_for_update),
    Page("POST", UPDATE + "/cancel", take_update_back),
)
