"""The catalogue: which models there are, what their files must be and where they can be had."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from relay.models import FileRecord, is_inside
from tools.models.makers import MAKERS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CATALOGUE = Path(__file__).with_name("models.toml")


class CatalogueError(Exception):
    """The catalogue says something that cannot be."""


@dataclass(frozen=True)
class WebSource:
    """A folder on the web: `address`/path for each file."""

    address: str


@dataclass(frozen=True)
class ArchiveSource:
    """A ZIP file on the web whose `folder` holds the files."""

    address: str
    record: FileRecord
    folder: str


@dataclass(frozen=True)
class WheelSource:
    """Python packages (`name==version`) whose `folder` holds the files.

    `parts` names, for a file that was split, the members it is put together from, in order.
    `archive` names members that, put together, are a ZIP file: then the `folder` is in that one.
    """

    requirements: tuple[str, ...]
    folder: str
    parts: Mapping[str, tuple[str, ...]]
    archive: tuple[str, ...] = ()

    def members(self, path: str) -> tuple[str, ...]:
        """Return the members of the packages, or of `archive`, that the file `path` is made of."""
        return self.parts.get(path, (f"{self.folder}/{path}",))


Source: TypeAlias = WebSource | ArchiveSource | WheelSource


@dataclass(frozen=True)
class Model:
    """One model of the catalogue. `files` is empty when an archive decides what they are.

    A source brings the `files`; or `raw`, and the maker `made_by` makes `files` of it.
    """

    name: str
    kind: str
    title: str
    licence: str
    files: Mapping[str, FileRecord]
    sources: tuple[Source, ...]
    starter: bool = False
    instead: str | None = None
    size: int = field(default=0)
    raw: Mapping[str, FileRecord] = field(default_factory=dict)
    made_by: str | None = None


def load(path: Path = CATALOGUE) -> dict[str, Model]:
    """Return the models of a catalogue by name; raises CatalogueError."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        models = {name: _model(name, table) for name, table in tables.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    for model in models.values():
        if model.instead is not None and model.instead not in models:
            raise CatalogueError(f"{path}: {model.name} names an unknown model {model.instead}")
    return models


def _model(name: str, table: dict[str, Any]) -> Model:
    files = {entry["path"]: _record(entry) for entry in table.get("files", [])}
    raw = {entry["path"]: _record(entry) for entry in table.get("raw", [])}
    if not all(is_inside(path) for path in (name, *files, *raw)):
        raise ValueError(f"{name}: a path leaves its folder")
    sources = tuple(_source(source) for source in table["sources"])
    sizes = [record.size for record in files.values()]
    sizes += [each.record.size for each in sources if isinstance(each, ArchiveSource)]
    if not files and not all(isinstance(each, ArchiveSource) for each in sources):
        raise ValueError(f"{name}: without files, every source must be an archive")
    made_by = table.get("made_by")
    if raw or made_by is not None:
        _check_made(name, files, raw, made_by)
        if any(isinstance(each, ArchiveSource) for each in sources):
            raise ValueError(
                f"{name}: an archive holds finished files, and nothing is made of them"
            )
    return Model(
        name=name,
        kind=table["kind"],
        title=table["title"],
        licence=table["licence"],
        files=files,
        sources=sources,
        starter=table.get("starter", False),
        instead=table.get("instead"),
        size=sum(sizes),
        raw=raw,
        made_by=made_by,
    )


def _check_made(
    name: str,
    files: Mapping[str, FileRecord],
    raw: Mapping[str, FileRecord],
    made_by: str | None,
) -> None:
    if not raw or made_by is None:
        raise ValueError(f"{name}: raw and made_by belong together")
    if made_by not in MAKERS:
        raise ValueError(f"{name}: there is no maker {made_by!r}")
    if not files.keys() - raw.keys():
        raise ValueError(f"{name}: nothing is made")
    for path in files.keys() & raw.keys():
        if files[path] != raw[path]:
            raise ValueError(f"{name}: {path} is kept, and must be the same in files and raw")


def _record(entry: dict[str, Any]) -> FileRecord:
    digest = str(entry["sha256"])
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise ValueError(f"not a SHA-256: {digest!r}")
    return FileRecord(int(entry["size"]), digest)


def _source(entry: dict[str, Any]) -> Source:
    if "web" in entry:
        return WebSource(entry["web"])
    if "wheels" not in entry:
        return ArchiveSource(entry["archive"], _record(entry), entry["folder"])
    parts = {path: tuple(members) for path, members in entry.get("parts", {}).items()}
    archive = entry.get("archive", [])
    if not isinstance(archive, list) or (archive and parts):
        raise ValueError("wheels hold an archive as a list of its members, or parts, not both")
    return WheelSource(tuple(entry["wheels"]), entry["folder"], parts, tuple(archive))
