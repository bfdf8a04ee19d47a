"""What a backup holds: a ZIP file with a manifest, so that each byte of it can be checked. Pure.

The manifest names every file with its size and SHA-256; a file that it does not name is refused, as
is one that is missing.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from relay.backup.errors import BackupError

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "relay.db"
SETTINGS = "relay.toml"
IDENTITY = ("house.pem", "relay.pem")
NAMES = (DATABASE, *IDENTITY, SETTINGS)
LARGEST_BYTES = 1 << 30
"""Of a whole backup. A year of three talkative children is about 30 MB."""

_FOREIGN = "this is not a backup of Bramble: choose a file that `python -m relay backup` made"
_DAMAGED = "the backup is damaged: take another copy of it"


@dataclass(frozen=True)
class Archive:
    """The files of a backup by name, and when it was made (Unix seconds)."""

    files: Mapping[str, bytes]
    created: int


def pack(archive: Archive) -> bytes:
    """Return the archive as the bytes of a ZIP file; raises BackupError when it is too large."""
    if sum(map(len, archive.files.values())) > LARGEST_BYTES:
        raise BackupError("there is more than 1 GB to back up: copy the folder of the data instead")
    manifest = {
        "format": FORMAT,
        "created": archive.created,
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in archive.files.items()
        },
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(MANIFEST, json.dumps(manifest, indent=1))
        for name, content in archive.files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def unpack(content: bytes) -> Archive:
    """Return the archive in a ZIP file, every byte checked; raises BackupError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return _read(packed)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise BackupError(_DAMAGED if content[:2] == b"PK" else _FOREIGN) from error
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise BackupError(_FOREIGN) from error


def _read(packed: zipfile.ZipFile) -> Archive:
    # The sizes that the file claims are looked at before anything is unpacked.
    if sum(each.file_size for each in packed.infolist()) > LARGEST_BYTES:
        raise BackupError(_FOREIGN)
    manifest = json.loads(packed.read(MANIFEST))
    if manifest["format"] != FORMAT:
        raise BackupError("the backup was made by a newer Bramble: update the relay first")
    named = manifest["files"]
    if sorted(packed.namelist()) != sorted((MANIFEST, *named)) or not set(named) <= set(NAMES):
        raise BackupError(_FOREIGN)
    if DATABASE not in named:
        raise BackupError(_FOREIGN)
    files = {}
    for name, expected in named.items():
        data = packed.read(name)
        digest = hashlib.sha256(data).hexdigest()
        if (len(data), digest) != (expected["bytes"], expected["sha256"]):
            raise BackupError(_DAMAGED)
        files[name] = data
    return Archive(files, int(manifest["created"]))
