"""Refusals and failures, as pages that say what to do next."""

from starlette.responses import HTMLResponse

from relay.parent.render import render
from relay.telemetry import current_correlation


class Refused(Exception):
    """A request is not served: with this HTTP status, and the text with this key for an answer."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status = status
        self.key = key


def error_page(status: int, key: str) -> HTMLResponse:
    """Return a page with one message. It names the reference that the log has, and nothing else."""
    content = render("error.html", key=key, reference=current_correlation().session)
    return HTMLResponse(content, status_code=status)
