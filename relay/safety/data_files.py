"""The filter's data files: read once, checked against the manifest, then parsed.

`data/SHA256SUMS` lists every file with its SHA-256, as sha256sum(1) writes it. A file that was
altered, lost or added without `python -m relay.safety seal` keeps the relay from starting: a rule
that vanished in an update or by a slip of the editor must not go unnoticed.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from relay.safety.errors import SafetyError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent / "data"
MANIFEST = "SHA256SUMS"
_ENDINGS = (".toml", ".npz", ".onnx")
_AGAIN = "put the file back, or if the change is wanted: python -m relay.safety seal"
_AGAIN_ARRAYS = "put the file back, or make it again: python -m tools.train_safety"

Tables = dict[str, dict[str, Any]]
"""File name without ending, to what the TOML file holds."""


def load(folder: Path = DATA) -> Tables:
    """Return every data file of `folder`, parsed; SafetyError if any is not as sealed."""
    sealed = _read_manifest(folder)
    found = digests(folder)
    for name in sorted(sealed.keys() | found.keys()):
        if name not in found:
            raise SafetyError(f"safety data file {name} is missing: {_AGAIN}")
        if name not in sealed:
            raise SafetyError(f"safety data file {name} is not in {MANIFEST}: {_AGAIN}")
    tables: Tables = {}
    for name, digest in sealed.items():
        content = _checked(folder / name, digest)
        if name.endswith(".toml"):
            tables[name.removesuffix(".toml")] = _parse(name, content)
    return tables


def read_sealed(folder: Path, name: str) -> bytes:
    """Return the data file `name` of `folder`; SafetyError if it is not as sealed."""
    digest = _read_manifest(folder).get(name)
    if digest is None:
        raise SafetyError(f"safety data file {name} is missing: {_AGAIN_ARRAYS}")
    return _checked(folder / name, digest)


def load_unsealed(folder: Path = DATA) -> Tables:
    """Return the data files whatever the manifest says: for trying a change before sealing it."""
    return {
        name.removesuffix(".toml"): _parse(name, _read(folder / name))
        for name in digests(folder)
        if name.endswith(".toml")
    }


def read_unsealed(folder: Path, name: str) -> bytes:
    """Return a data file whatever the manifest says: for trying a change before sealing it."""
    return _read(folder / name)


def seal(folder: Path = DATA, names: Iterable[str] | None = None) -> int:
    """Write the manifest of `folder` as it is now; return the number of files.

    With `names`, only these files are sealed anew: no other change slips in with them.
    """
    found = digests(folder)
    if names is not None:
        found = _read_manifest(folder) | {name: found[name] for name in names}
    lines = [f"{digest}  {name}\n" for name, digest in sorted(found.items())]
    (folder / MANIFEST).write_text("".join(lines), encoding="ascii")
    return len(found)


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every data file in `folder`, by name."""
    paths = sorted(path for ending in _ENDINGS for path in folder.glob(f"*{ending}"))
    return {path.name: hashlib.sha256(_read(path)).hexdigest() for path in paths}


def _read_manifest(folder: Path) -> dict[str, str]:
    sealed: dict[str, str] = {}
    for line in _read(folder / MANIFEST).decode("ascii", "replace").splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name.endswith(_ENDINGS) or "/" in name:
            raise SafetyError(f"{MANIFEST} has a line that is not a digest and a name: {_AGAIN}")
        sealed[name] = digest
    if not sealed:
        raise SafetyError(f"{MANIFEST} is empty: {_AGAIN}")
    return sealed


def _checked(path: Path, digest: str) -> bytes:
    content = _read(path)  # hashed and used are the same bytes
    if hashlib.sha256(content).hexdigest() != digest:
        again = _AGAIN if path.suffix == ".toml" else _AGAIN_ARRAYS
        raise SafetyError(f"safety data file {path.name} was altered: {again}")
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SafetyError(
            f"safety data file {path.name} cannot be read: {error.strerror}"
        ) from None


def _parse(name: str, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SafetyError(f"safety data file {name} is not TOML: {error}") from None
