"""One request: who asks, what was sent, and how to answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from relay.parent.forms import Form
from relay.parent.render import render
from relay.parent.services import PageServices
from relay.parent.sessions import digest, form_token, set_cookie
from relay.parent.texts import catalogue
from relay.store.audit import Deed
from relay.store.logins import Login
from relay.store.parents import Parent


class _Errors(dict[str, str]):
    """Field to text key; a field that is not there is right."""

    def __missing__(self, _field: str) -> None:
        return None


@dataclass
class Visit:
    """One request. `session` is the browser's cookie, a fresh one if it had none."""

    request: Request
    page: PageServices
    session: str
    login: Login | None
    form: Form

    @property
    def parent(self) -> Parent:
        """Who is logged in; RuntimeError on pages for everybody."""
        if self.login is None:
            raise RuntimeError("nobody is logged in")
        return self.login.parent

    @property
    def household(self) -> str:
        """The household of whoever is logged in. Everything a page touches is looked up in it."""
        return self.parent.household

    @property
    def address(self) -> str:
        """Where the request comes from, for counting attempts."""
        return self.request.client.host if self.request.client else ""

    @property
    def host(self) -> str:
        """The name and port by which the browser reached this page."""
        return self.request.headers["host"]

    def part(self, name: str) -> str:
        """Return a variable part of the path."""
        return str(self.request.path_params[name])

    async def note(self, deed: Deed, subject: str = "", detail: str = "") -> None:
        """Write down what the parent did."""
        await self.page.tables.audit.note(self.household, self.parent.name, deed, subject, detail)

    def render(
        self,
        template: str,
        status: int = 200,
        *,
        errors: Mapping[str, str] | None = None,
        **values: object,
    ) -> Response:
        """Answer with a page; `errors` are the keys of what is wrong with its fields."""
        done = f"done.{self.request.query_params.get('done', '')}"
        content = render(
            template,
            parent=self.login.parent if self.login else None,
            form_token=form_token(self.session),
            path=self.request.url.path,
            done=done if done in catalogue() else None,
            errors=_Errors(errors or {}),
            **values,
        )
        response = HTMLResponse(content, status_code=status)
        set_cookie(response, self.session, secure=self.page.secure)
        return response

    def go(self, path: str, done: str = "") -> Response:
        """Send the browser on; the page there says what was `done` (texts, "done")."""
        query = f"?{urlencode({'done': done})}" if done else ""
        response = RedirectResponse(path + query, status_code=303)
        set_cookie(response, self.session, secure=self.page.secure)
        return response

    @property
    def digest(self) -> bytes:
        """What the store knows of the session."""
        return digest(self.session)
