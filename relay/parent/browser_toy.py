"""The page "Try it without a toy": the browser is the toy. See `browser_toys` for what holds."""

from starlette.responses import JSONResponse, Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from device.protocol import OLDEST_AGE, YOUNGEST_AGE
from relay.parent.browser_toy_tickets import Trial
from relay.parent.errors import Refused
from relay.parent.headers import PERMISSIONS
from relay.parent.routing import Page
from relay.parent.services import PageServices
from relay.parent.sessions import digest, session_of
from relay.parent.visit import Visit
from relay.store.children import Child

TRY = "/try"
_TALK = TRY + "/talk"
_USUAL_AGE = 7
_AGES = range(YOUNGEST_AGE, OLDEST_AGE + 1)
# Elsewhere no script may even ask for the microphone.
_PERMISSIONS = "camera=(), geolocation=(), microphone=(self), payment=(), usb=()"

# Why it ended or cannot begin, what it does, what came of a turn: texts for the script.
_SAYINGS = (
    *("connecting", "ready", "listening", "thinking", "speaking"),
    *("stopped", "hidden", "idle", "closed", "failed"),
    *("insecure", "old_browser", "refused", "no_microphone"),
    *("ticket_404", "ticket_503", "closed_1012", "closed_4401", "closed_4409", "closed_4503"),
    *("stopped_by", "alert", "first_sound"),
)


async def show_try(visit: Visit) -> Response:
    """Show the page; it does nothing before a parent presses its button."""
    children = await _children(visit)
    page = visit.render(
        "try_it.html",
        children=children,
        ages=_AGES,
        usual=f"child-{children[0].id}" if children else f"age-{_USUAL_AGE}",
        talk=_TALK,
        sayings=_SAYINGS,
    )
    page.headers[PERMISSIONS] = _PERMISSIONS
    return page


async def give_ticket(visit: Visit) -> Response:
    """Give the page's script a ticket for the WebSocket, as JSON with the age in years."""
    toys = visit.page.browser_toys
    if toys is None:
        raise Refused(503, "errors.no_engines")
    kind, _, value = visit.form.text("who").partition("-")
    child = {one.id: one for one in await _children(visit)}.get(value) if kind == "child" else None
    if child is not None:
        age, identifier = child.age, child.id
    elif kind == "age" and value in map(str, _AGES):
        age, identifier = int(value), None
    else:
        raise Refused(404, "errors.not_found")
    ticket = toys.tickets.issue(Trial(visit.digest, visit.household, age, identifier))
    return JSONResponse({"ticket": ticket, "age": age})


def talk_route(services: PageServices) -> WebSocketRoute:
    """Return the route of the WebSocket, for `bramble.v1` with a ticket in place of a token."""

    async def talk(socket: WebSocket) -> None:
        session = session_of(socket, secure=services.secure)
        if services.browser_toys is None or session is None:
            await socket.close()
        else:
            await services.browser_toys.serve(socket, digest(session))

    return WebSocketRoute(_TALK, talk)


async def _children(visit: Visit) -> list[Child]:
    """Return the household's children for whom a parent has agreed."""
    tables = visit.page.tables.children
    found = []
    for child in await tables.of(visit.household):
        consents = await tables.consents(visit.household, child.id)
        if consents and consents[0].is_valid:
            found.append(child)
    return found


PAGES = (
    Page("GET", TRY, show_try),
    Page("POST", TRY + "/ticket", give_ticket),
)
