"""Download one file from the web: in ranges, resumed where it stopped, checked before use."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from relay.models import FileRecord, sha256_of

CONNECT_TIMEOUT_S = 5.0
"""A network that does not answer by then is taken for closed, and the next source is tried."""

READ_TIMEOUT_S = 30.0
ATTEMPTS = 4
"""Tries of one address as long as it breaks off; each goes on where the last one stopped."""

PAUSE_S = 0.5  # before the second try; longer before each further one


class DownloadError(Exception):
    """A file could not be had; the message says why, in one line."""


class Unreachable(DownloadError):
    """Nobody answers there: no use to ask the same host for another file."""


Advance = Callable[[int], Any]
"""Hears how many bytes more are there; a negative number when some were thrown away."""


def matches(path: Path, record: FileRecord) -> bool:
    """Tell whether the file `path` is there and as recorded."""
    return (
        path.is_file() and path.stat().st_size == record.size and sha256_of(path) == record.sha256
    )


def client() -> httpx.Client:
    """Return an HTTP client that gives up on a closed network quickly."""
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    return httpx.Client(timeout=timeout, follow_redirects=True)


def download(
    http: httpx.Client, address: str, target: Path, record: FileRecord, advance: Advance
) -> None:
    """Bring the file at `address` to `target`, which exists afterwards only if it is as recorded.

    What has arrived waits in `target`.part and is used by the next try, also in another run.
    Raises DownloadError.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if part.exists():
            advance(part.stat().st_size)
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_S * attempt)
            resumed = part.exists()
            broken = _append(http, address, part, record.size, advance)
            if broken is None:
                break
        else:
            raise DownloadError(f"broke off {ATTEMPTS} times ({broken})")
        if sha256_of(part) == record.sha256:
            part.replace(target)
            return
        _throw_away(part, advance)
        if resumed:  # perhaps the old beginning was wrong, not what the server has now
            download(http, address, target, record, advance)
            return
    except OSError as error:
        raise DownloadError(f"cannot write {part}: {error.strerror or error}") from None
    raise DownloadError("the file there is not the one in the catalogue (SHA-256 differs)")


def _append(
    http: httpx.Client, address: str, part: Path, size: int, advance: Advance
) -> str | None:
    """Fetch what `part` still lacks; return None when it is all there, else why it broke off."""
    have = part.stat().st_size if part.exists() else 0
    if have > size:
        _throw_away(part, advance)
        have = 0
    if have == size:
        return None
    # The bytes of the file are wanted as they are: no content encoding on the way.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with http.stream("GET", address, headers=headers) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                _throw_away(part, advance)
                return "the server has less of it than was here"
            if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                return f"HTTP {response.status_code}"
            if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
                raise DownloadError(f"HTTP {response.status_code} {response.reason_phrase}")
            if response.status_code == httpx.codes.OK and have:
                _throw_away(part, advance)  # no ranges there: from the start
                have = 0
            with part.open("ab") as file:
                for chunk in response.iter_bytes():
                    have += len(chunk)
                    if have > size:
                        raise DownloadError(f"larger than the {size} bytes of the catalogue")
                    file.write(chunk)
                    advance(len(chunk))
    except (httpx.ConnectError, httpx.ConnectTimeout):
        raise Unreachable("cannot be reached (is this computer online?)") from None
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects) as error:
        raise DownloadError(str(error)) from None
    except httpx.TransportError as error:
        return type(error).__name__
    return None if have == size else f"{have} of {size} bytes"


def _throw_away(part: Path, advance: Advance) -> None:
    if part.exists():
        advance(-part.stat().st_size)
        part.unlink()
