"""The page put together: routes, and what stands before them."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from relay.parent import (
    account,
    add_toy,
    alerts,
    browser_toy,
    children,
    data,
    door,
    history,
    live,
    rules,
    today,
    toy_care,
    toy_health,
    toy_wifi,
    toys,
    welcome,
)
from relay.parent.assets import ASSETS
from relay.parent.errors import error_page
from relay.parent.gatekeeper import Gatekeeper
from relay.parent.headers import SecurityHeaders
from relay.parent.routing import Page, make_route
from relay.parent.services import PageServices

PAGES: tuple[Page, ...] = (
    *today.PAGES,
    *alerts.PAGES,
    *live.PAGES,
    *welcome.PAGES,
    *door.PAGES,
    *toys.PAGES,
    *toy_care.PAGES,
    *toy_health.PAGES,
    *toy_wifi.PAGES,
    *add_toy.PAGES,
    *browser_toy.PAGES,
    *children.PAGES,
    *history.PAGES,
    *rules.PAGES,
    *account.PAGES,
    *data.PAGES,
)


def make_app(services: PageServices) -> Starlette:
    """Return the ASGI application of the parent's page."""
    return Starlette(
        routes=[
            ASSETS,
            browser_toy.talk_route(services),
            *(make_route(page, services) for page in PAGES),
        ],
        middleware=[
            Middleware(SecurityHeaders, secure=services.secure),
            Middleware(Gatekeeper, names=services.settings.parent.names),
        ],
        exception_handlers={HTTPException: _no_such_page},
    )


async def _no_such_page(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    page = error_page(status, "errors.not_found" if status == 404 else "errors.method")
    page.headers.update(getattr(error, "headers", None) or {})
    return page
