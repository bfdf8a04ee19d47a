"""The page's style and scripts: a few files, held in memory and named by what is in them."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    "browser_toy.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "live.js": "text/javascript",
    "progress.js": "text/javascript",
    "resampler.js": "text/javascript",
    "sound_worklet.js": "text/javascript",
    "style.css": "text/css",
    "try_it.js": "text/javascript",
}


def asset_url(name: str) -> str:
    """Return where a file is served; the address changes with what is in it."""
    return f"/static/{_read(name)[1]}/{name}"


async def _serve(request: Request) -> Response:
    name, version = request.path_params["name"], request.path_params["version"]
    if name not in _TYPES or version != _read(name)[1]:
        raise HTTPException(404)
    # The address changes when the file does: no browser needs to ask again.
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_read(name)[0], media_type=_TYPES[name], headers=headers)


@cache
def _read(name: str) -> tuple[bytes, str]:
    content = (_FOLDER / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


ASSETS = Route("/static/{version}/{name}", _serve, name="asset")
