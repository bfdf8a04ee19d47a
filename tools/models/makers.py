"""Makers: what makes the files of a model out of those that were downloaded."""

from collections.abc import Callable, Mapping
from pathlib import Path

from relay.models import FileRecord
from tools.models import mpnet
from tools.models.download import DownloadError, matches

Maker = Callable[[Path, Path], None]
"""Reads the folder of raw files, writes into the other; ValueError if they are not what it needs.

The bytes it writes must be the same on every computer: they are compared with the catalogue.
"""


def _make_mpnet(raw: Path, made: Path) -> None:
    mpnet.convert(raw / "model.safetensors", made / "weights.bin")


MAKERS: dict[str, Maker] = {"mpnet": _make_mpnet}


def make(maker: str, raw: Path, made: Path, files: Mapping[str, FileRecord]) -> None:
    """Make `files` in the folder `made` of those in `raw`, unless they are there already.

    Raises DownloadError when the maker cannot, or makes other files than the catalogue says.
    """
    if all(matches(made / path, record) for path, record in files.items()):
        return
    for path in files:
        (made / path).parent.mkdir(parents=True, exist_ok=True)
    try:
        MAKERS[maker](raw, made)
    except ValueError as error:
        raise DownloadError(f"what was downloaded cannot be used: {error}") from None
    for path, record in files.items():
        if not matches(made / path, record):
            raise DownloadError(f"{path} as made on this computer is not the one in the catalogue")
