"""Who a browser is: a random cookie, of which the store knows only the SHA-256.

A visitor has a cookie before logging in, so that every form can carry a token that belongs to it;
logging in gives a new one.
"""

import hashlib
import hmac
import re
import secrets

from starlette.requests import HTTPConnection
from starlette.responses import Response

IDLE_S = 12 * 3600
LASTS_S = 7 * 24 * 3600
_ID = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits in base64url


def new_session() -> str:
    """Return the content of a fresh cookie: 256 random bits."""
    return secrets.token_urlsafe(32)


def session_of(request: HTTPConnection, *, secure: bool) -> str | None:
    """Return what the browser's cookie holds, None without one that could be ours."""
    value = request.cookies.get(_cookie_name(secure), "")
    return value if _ID.fullmatch(value) else None


def digest(session: str) -> bytes:
    """Return what the store keeps of a session: 32 bytes."""
    return hashlib.sha256(session.encode("ascii")).digest()


def form_token(session: str) -> str:
    """Return the token that every form of this session must carry (CSRF)."""
    return hmac.new(session.encode("ascii"), b"form", hashlib.sha256).hexdigest()


def is_form_token(session: str, token: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(form_token(session).encode(), token.encode("utf-8", "replace"))


def set_cookie(response: Response, session: str, *, secure: bool) -> None:
    """Give the browser a session; it forgets it when the log-in is over at the latest."""
    response.set_cookie(
        _cookie_name(secure),
        session,
        max_age=LASTS_S,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def _cookie_name(secure: bool) -> str:
    # With __Host- no neighbouring name or path can set it (RFC 6265bis, 4.1.3.2).
    return "__Host-bramble" if secure else "bramble"
