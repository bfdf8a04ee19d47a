"""Installed models: where each lies, and whether it is whole.

A model is the folder `models_dir/NAME` with its files and a `manifest.json` that holds the size
and SHA-256 of each. `python -m tools.models` writes the manifest after it has checked every file,
and an engine reads a model only through `find`: a file that was cut short, changed or half
downloaded never reaches a native library, which would crash on it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from relay.errors import ModelMissing

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1_000_000
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class FileRecord:
    """What a model file must be: `size` in bytes and `sha256` in hex."""

    size: int
    sha256: str


def sha256_of(path: Path, advance: Callable[[int], object] | None = None) -> str:
    """Return the SHA-256 of a file in hex; `advance` hears how many bytes were read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            if advance is not None:
                advance(len(chunk))
    return digest.hexdigest()


def write_manifest(folder: Path, files: Mapping[str, FileRecord]) -> None:
    """Record in `folder` what its files must be; the last step of an installation."""
    records = {name: asdict(record) for name, record in sorted(files.items())}
    temporary = folder / (MANIFEST + ".new")
    temporary.write_text(json.dumps({"files": records}, indent=1) + "\n")
    temporary.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> dict[str, FileRecord]:
    """Return what the files of `folder` must be; ValueError when that is not known."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ValueError(f"{MANIFEST} is too large")
        records = json.loads(path.read_bytes())["files"]
        files = {
            str(name): FileRecord(int(record["size"]), str(record["sha256"]))
            for name, record in records.items()
        }
    except OSError as error:
        raise ValueError(f"{MANIFEST}: {error.strerror or 'cannot be read'}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(f"{MANIFEST} is damaged") from None
    if not files or not all(is_inside(name) for name in files):
        raise ValueError(f"{MANIFEST} is damaged")
    return files


def is_inside(name: str) -> bool:
    """Tell whether `name` is a plain relative path that stays inside its folder."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def problems(folder: Path, advance: Callable[[int], object] | None = None) -> list[str]:
    """Return what is wrong with an installed model, in plain words; empty when it is whole.

    Reads every byte of it: about a second for each 500 MB to 2 GB, by processor.
    """
    try:
        files = read_manifest(folder)
    except ValueError as error:
        return [str(error)]
    found = []
    for name, record in files.items():
        path = folder / name
        try:
            size = path.stat().st_size
            if size != record.size:
                found.append(f"{name} has {size} bytes instead of {record.size}")
            elif sha256_of(path, advance) != record.sha256:
                found.append(f"{name} is damaged")
        except OSError as error:
            found.append(f"{name}: {error.strerror or 'cannot be read'}")
    return found


def is_installed(models_dir: Path, name: str) -> bool:
    """Tell whether a model is there, without reading all of it."""
    return is_inside(name) and (models_dir / name / MANIFEST).is_file()


def find(models_dir: Path, name: str, *, engine: str) -> Path:
    """Return the folder of the model `name` after checking all of it; raises ModelMissing."""
    if not is_inside(name):
        raise ModelMissing(engine, f'"{name}" is not a name of a model')
    if not is_installed(models_dir, name):
        raise ModelMissing(
            engine,
            f'the model "{name}" is not in {models_dir}; get it with '
            f"`python -m tools.models get {name}`",
        )
    if wrong := problems(models_dir / name):
        raise ModelMissing(
            engine,
            f'the model "{name}" is damaged ({"; ".join(wrong)}); repair it with '
            f"`python -m tools.models get {name}`",
        )
    return models_dir / name
