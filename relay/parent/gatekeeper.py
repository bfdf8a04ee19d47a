"""What is turned away before any page sees it: wrong names, other sites, too much, too slow."""

import ipaddress
import math
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from relay.parent.errors import error_page
from relay.parent.forms import MOST_BYTES
from relay.telemetry import correlated, new_session_id

# From the head of a request to the head of its answer.
REQUEST_S = 30.0
_SAFE_METHODS = {"GET", "HEAD"}
_PORT = re.compile(r":\d{1,5}$")


class Gatekeeper:
    """ASGI middleware that refuses requests; `names` are host names besides this computer's own."""

    def __init__(self, app: ASGIApp, *, names: Iterable[str]) -> None:
        self._app = app
        own = socket.gethostname().lower()
        self._names = {"localhost", own, own.split(".")[0], *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a refusal."""
        with correlated(session=new_session_id()):
            if scope["type"] == "websocket":
                await self._open(scope, receive, send)
                return
            if (refused := self._refusal(scope)) is not None:
                await error_page(*refused)(scope, receive, send)
                return
            with anyio.move_on_after(REQUEST_S) as limit:

                async def send_and_take_time(message: Message) -> None:
                    limit.deadline = math.inf  # what has begun may be a long stream
                    await send(message)

                await self._app(scope, receive, send_and_take_time)
            if limit.cancelled_caught:
                await error_page(408, "errors.too_slow")(scope, receive, send)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a WebSocket through, or refuse it (403): browsers let any site open one."""
        headers = Headers(scope=scope)
        ours = len(headers.getlist("host")) == 1 and self._is_ours(headers["host"])
        if ours and "origin" in headers and not _is_from_elsewhere(scope, headers):
            await self._app(scope, receive, send)
        else:
            await WebSocketClose()(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if len(headers.getlist("host")) != 1 or not self._is_ours(headers["host"]):
            # A page elsewhere can have its own name point here (DNS rebinding).
            return 421, "errors.host"
        if scope["method"] not in _SAFE_METHODS and _is_from_elsewhere(scope, headers):
            return 403, "errors.elsewhere"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:10]) > MOST_BYTES:
            return 413, "errors.too_much"
        return None

    def _is_ours(self, host: str) -> bool:
        name = _PORT.sub("", host.lower()).rstrip(".")
        if name in self._names or name.endswith(".local"):
            return True
        try:
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True


def _is_from_elsewhere(scope: Scope, headers: Headers) -> bool:
    """Tell whether another site has sent a form here (Fetch Metadata, RFC 6454)."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False  # the form's own token decides
    try:
        found = urlsplit(origin)
    except ValueError:
        return True
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    # Behind a proxy that encrypts, the browser says https where this server sees http.
    ours = found.scheme in (scheme, "https") and found.netloc.lower() == headers["host"].lower()
    return not ours
