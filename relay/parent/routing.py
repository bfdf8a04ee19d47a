"""From a request to a page: who may see it, which forms are believed, how failures look."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.database import StoreError
from relay.parent.errors import Refused, error_page
from relay.parent.forms import Form, read_form
from relay.parent.services import PageServices
from relay.parent.sessions import IDLE_S, digest, is_form_token, new_session, session_of
from relay.parent.visit import Visit
from relay.store.values import NotFound
from relay.telemetry import log

_logger = logging.getLogger(__name__)

Handler = Callable[[Visit], Awaitable[Response]]
LOGIN = "/login"
FORM_TOKEN = "token"  # noqa: S105 - the name of a field


@dataclass(frozen=True)
class Page:
    """A handler and where it is found. Only a parent who is logged in sees it unless `public`.

    A page that is asked for `by_itself`, by a script, keeps nobody logged in.
    """

    method: str
    path: str
    handler: Handler
    public: bool = False
    by_itself: bool = False


def make_route(page: Page, services: PageServices) -> Route:
    """Return the route that serves a page."""

    async def endpoint(request: Request) -> Response:
        try:
            return await _serve(page, services, request)
        except Refused as refused:
            return error_page(refused.status, refused.key)
        except NotFound:
            return error_page(404, "errors.not_found")
        except StoreError as error:
            log(_logger, logging.ERROR, "page failed", page=page.path, reason=str(error))
            return error_page(503, "errors.store")
        except Exception:
            log(_logger, logging.ERROR, "page failed", page=page.path)
            return error_page(500, "errors.failed")

    return Route(page.path, endpoint, methods=[page.method], name=page.handler.__name__)


async def _serve(page: Page, services: PageServices, request: Request) -> Response:
    session = session_of(request, secure=services.secure)
    form = Form()
    if page.method == "POST":
        form = await read_form(request)
        if session is None or not is_form_token(session, form.secret(FORM_TOKEN)):
            raise Refused(403, "errors.form_token")
    login = None
    by_itself = "hx-request" in request.headers
    if session is not None:
        now = int(services.now())
        login = await services.tables.logins.find(
            digest(session), now=now, idle_s=IDLE_S, is_use=not (by_itself or page.by_itself)
        )
    if login is None and not page.public:
        # A part of a page that keeps itself fresh cannot show the form: the whole page has to.
        return (
            Response(status_code=204, headers={"HX-Redirect": LOGIN})
            if by_itself
            else RedirectResponse(LOGIN, status_code=303)
        )
    return await page.handler(Visit(request, services, session or new_session(), login, form))
