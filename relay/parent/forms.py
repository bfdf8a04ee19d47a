"""What a form has sent, with limits on everything."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from relay.parent.errors import Refused

MOST_BYTES = 64 * 1024
MOST_FIELDS = 100
_TYPE = "application/x-www-form-urlencoded"


class BadForm(Refused):
    """What was sent is no form of ours."""


class Form:
    """The fields of a form. Nothing is checked yet but their number and their encoding."""

    def __init__(self, fields: Mapping[str, list[str]] | None = None) -> None:
        self._fields = fields or {}

    def text(self, name: str) -> str:
        """Return a field without outer blanks, "" if it was not sent."""
        return self.secret(name).strip()

    def secret(self, name: str) -> str:
        """Return a field as it was typed."""
        return self._fields.get(name, [""])[0]

    def texts(self, name: str) -> list[str]:
        """Return all values of a field that may be chosen several times."""
        return self._fields.get(name, [])

    def is_ticked(self, name: str) -> bool:
        """Tell whether a box was ticked."""
        return name in self._fields

    @property
    def names(self) -> frozenset[str]:
        """The fields that were sent."""
        return frozenset(self._fields)


async def read_form(request: Request) -> Form:
    """Read the form that was sent; raises BadForm."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise BadForm(413, "errors.too_much")
    if not body:
        return Form()
    if kind != _TYPE:
        raise BadForm(415, "errors.bad_form")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadForm(400, "errors.bad_form") from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        # Browsers send every line end as two characters; no field of ours needs the first of them.
        fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return Form(fields)
