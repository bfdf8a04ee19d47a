"""MicroPython itself: an image that was given, or the known one, downloaded and hash-checked."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tools.flash.errors import ImageError

MAGIC = 0xE9  # the first byte of every image (ESP-IDF, esp_image_header_t)
SMALLEST_BYTES = 256 * 1024
LARGEST_BYTES = 8 * 1024 * 1024
TIMEOUT_S = 30


@dataclass(frozen=True)
class Release:
    """One published image. `address` is where it is; only bytes with this SHA-256 are used."""

    version: str
    address: str
    sha256: str


_FOLDER = "https://micropython.org/resources/firmware/"
RELEASES = {
    "esp32": Release(
        "1.28.0",
        _FOLDER + "ESP32_GENERIC-20260406-v1.28.0.bin",
        "cd7820d02c35d34dd403b44263129c6a511b350aea8446c229890753fe240784",
    ),
    "esp32s3": Release(
        "1.28.0",
        _FOLDER + "ESP32_GENERIC_S3-20260406-v1.28.0.bin",
        "8c6039d40024cae3c6b04bb434f77901548f5487df9789af15548c54f9e11d7f",
    ),
}


def given_image(path: Path) -> Path:
    """Return `path` if it can be an image for an ESP32; ImageError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(1)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from error
    if not SMALLEST_BYTES <= size <= LARGEST_BYTES or first != bytes([MAGIC]):
        raise ImageError(
            f"{path} is no MicroPython image for an ESP32. Take the .bin file (not .uf2, not .elf) "
            "from micropython.org/download/ESP32_GENERIC or .../ESP32_GENERIC_S3"
        )
    return path


def get_image(
    chip: str,
    folder: Path,
    show: Callable[[str], None],
    http: httpx.Client | None = None,
    releases: dict[str, Release] = RELEASES,
) -> Path:
    """Return the known image for `chip`, from `folder` or downloaded into it; ImageError."""
    release = releases.get(chip)
    if release is None:
        raise ImageError(f"No image is known for {chip}; give one with --image")
    target = folder / release.address.rpartition("/")[2]
    if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == release.sha256:
        return target
    show(f"Downloading MicroPython {release.version} for {chip}")
    content = _download(release, http)
    if hashlib.sha256(content).hexdigest() != release.sha256:
        raise ImageError(
            f"What came from {release.address} is not the image that this project knows (its "
            "SHA-256 differs), so it is not used. " + _by_hand(release)
        )
    folder.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    partial.write_bytes(content)
    partial.replace(target)
    return target


def _download(release: Release, http: httpx.Client | None) -> bytes:
    client = http or httpx.Client(timeout=TIMEOUT_S, follow_redirects=True)
    content = bytearray()
    try:
        with client, client.stream("GET", release.address) as response:
            response.raise_for_status()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > LARGEST_BYTES:
                    raise ImageError(f"{release.address} is larger than any image. "
                                     + _by_hand(release))  # fmt: skip
    except httpx.HTTPStatusError as error:
        why = f"the server says {error.response.status_code}"
        raise ImageError(f"MicroPython cannot be downloaded: {why}. {_by_hand(release)}") from error
    except (httpx.HTTPError, OSError) as error:
        why = "micropython.org cannot be reached; is this computer online?"
        raise ImageError(f"MicroPython cannot be downloaded: {why} {_by_hand(release)}") from error
    return bytes(content)


def _by_hand(release: Release) -> str:
    return f"Or fetch {release.address} by other means and give it with --image FILE"
