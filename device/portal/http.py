"""As much of HTTP/1.1 (RFC 9112) as serving one page takes. Pure but for `read_request`."""

PORT = 80
MOST_HEAD_BYTES = 2048
MOST_BODY_BYTES = 8192  # a form with a relay's certificate in it
END_OF_HEAD = b"\r\n\r\n"
FORM = "application/x-www-form-urlencoded"
_PIECE_BYTES = 512

REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    405: "Method Not Allowed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    431: "Request Header Fields Too Large",
}


class HttpError(Exception):
    """The request cannot be served; `status` is what to answer."""

    def __init__(self, status):
        super().__init__("%d %s" % (status, REASONS[status]))
        self.status = status


class Request:
    """What was asked: `method`, `path` without its query, `body` in bytes."""

    def __init__(self, method, path, length):
        self.method = method
        self.path = path
        self.length = length  # of the body, in bytes
        self.body = b""


def parse_head(head):
    """Return the Request whose head, without the empty line at its end, is `head`; or HttpError."""
    try:
        lines = bytes(head).decode().split("\r\n")
    except UnicodeError:
        raise HttpError(400)
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise HttpError(400)
    if words[0] not in ("GET", "HEAD", "POST"):
        raise HttpError(405)
    length = None
    kind = ""
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.lower()
        value = value.strip()
        if not colon or not name or " " in name:
            raise HttpError(400)
        if name == "content-length":
            if length is not None or not 0 < len(value) <= 9 or not _is_digits(value):
                raise HttpError(400)
            length = int(value)
        elif name == "content-type":
            kind = value.partition(";")[0].strip().lower()
        elif name == "transfer-encoding":  # no browser sends a form so
            raise HttpError(400)
    if (length or 0) > MOST_BODY_BYTES:
        raise HttpError(413)
    if length and kind != FORM:
        raise HttpError(415)
    return Request(words[0], words[1].partition("?")[0], length or 0)


def _is_digits(text):
    return all("0" <= letter <= "9" for letter in text)


async def read_request(stream):
    """Read a Request from an asyncio stream; None when the peer went away, or HttpError."""
    data = b""
    while True:
        end = data.find(END_OF_HEAD)
        if end >= 0:
            break
        if len(data) > MOST_HEAD_BYTES:
            raise HttpError(431)
        piece = await stream.read(_PIECE_BYTES)
        if not piece:
            return None
        data += piece
    request = parse_head(data[:end])
    body = data[end + len(END_OF_HEAD) :]
    while len(body) < request.length:
        piece = await stream.read(_PIECE_BYTES)
        if not piece:
            return None
        body += piece
    request.body = body[: request.length]
    return request


def response_head(status, location=None):
    """Return the head of an answer whose body, a page, lasts until the connection is closed.

    Nothing is stored by the phone, nothing is loaded from anywhere, no script runs.
    """
    lines = [
        "HTTP/1.1 %d %s" % (status, REASONS[status]),
        "Connection: close",
        "Cache-Control: no-store",
        "Content-Type: text/html; charset=utf-8",
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options: nosniff",
    ]
    if location:
        lines.append("Location: " + location)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
