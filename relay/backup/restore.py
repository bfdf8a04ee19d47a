"""Put a backup in the place of the data; what was there before is kept aside."""

import contextlib
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from relay.backup.archive import DATABASE, IDENTITY, LARGEST_BYTES, SETTINGS, Archive, unpack
from relay.backup.errors import BackupError
from relay.backup.passphrase import OVERHEAD_BYTES, is_sealed, unseal
from relay.backup.snapshot import database_file
from relay.config import Settings

_LOCKED_MS = 2000
SETTINGS_COPY = "relay.toml.from-backup"


@dataclass(frozen=True)
class Restored:
    """What was done: when the backup was made (Unix seconds), and where the old data lies."""

    created: int
    aside: Path | None
    settings_copy: Path | None


def needs_passphrase(source: Path) -> bool:
    """Tell whether `source` was sealed with a passphrase; raises BackupError."""
    return is_sealed(_read(source))


def restore(settings: Settings, source: Path, *, passphrase: str | None = None) -> Restored:
    """Put the backup in `source` in the place of the data; raises BackupError.

    Nothing is changed before every byte of it has been checked, nor while a relay runs on the data.
    """
    content = _read(source)
    if is_sealed(content):
        if passphrase is None:
            raise BackupError("the backup is sealed: its passphrase is needed")
        content = unseal(content, passphrase)
    archive = unpack(content)
    database = database_file(settings)
    places = {DATABASE: database, **{name: settings.data_dir / name for name in IDENTITY}}
    try:
        for folder in {place.parent for place in places.values()}:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_unused(database)
        return _put(archive, places, settings.data_dir)
    except OSError as error:
        raise BackupError(
            f"{error.filename or settings.data_dir}: {(error.strerror or '?').lower()}: "
            "nothing was changed"
        ) from error


def _read(source: Path) -> bytes:
    try:
        if source.stat().st_size > LARGEST_BYTES + OVERHEAD_BYTES:
            raise BackupError(f"{source} is too large to be a backup of Bramble")
        return source.read_bytes()
    except OSError as error:
        raise BackupError(f"{source}: {(error.strerror or '?').lower()}") from error


def _check_unused(database: Path) -> None:
    """Raise BackupError if any program has the database open."""
    if not database.exists():
        return
    with contextlib.closing(sqlite3.connect(database)) as connection:
        try:
            connection.execute(f"PRAGMA busy_timeout = {_LOCKED_MS}")
            # Only the last connection may leave write-ahead logging (sqlite.org/wal.html, 4); and
            # what the log still holds comes into the file, which is then whole by itself.
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BackupError(
                    "a relay is running on this data: stop it first, then restore"
                ) from None
            raise BackupError(f"{database}: {error}") from error
        except sqlite3.DatabaseError:
            return  # damaged: the very reason for restoring; it is kept aside as it is


def _put(archive: Archive, places: dict[str, Path], data_dir: Path) -> Restored:
    fresh = {}
    aside = data_dir / time.strftime("before-restore-%Y%m%d-%H%M%S")
    moved: list[tuple[Path, Path]] = []
    try:
        # All of it is on the disk before the first name changes.
        for name, place in places.items():
            if name in archive.files:
                fresh[place] = _write(place.with_name(f"{place.name}.restoring"), archive, name)
        for old in [*places.values(), *_beside(places[DATABASE])]:
            if old.exists():
                aside.mkdir(exist_ok=True, mode=0o700)
                old.replace(aside / old.name)
                moved.append((aside / old.name, old))
        for place, new in fresh.items():
            new.replace(place)
    except BaseException:
        for kept, old in moved:
            kept.replace(old)
        for new in fresh.values():
            new.unlink(missing_ok=True)
        if aside.exists():
            aside.rmdir()
        raise
    settings_copy = None
    if SETTINGS in archive.files:
        settings_copy = _write(data_dir / SETTINGS_COPY, archive, SETTINGS)
    return Restored(archive.created, aside if moved else None, settings_copy)


def _write(path: Path, archive: Archive, name: str) -> Path:
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(archive.files[name])
        file.flush()
        os.fsync(file.fileno())
    return path


def _beside(database: Path) -> list[Path]:
    return [database.with_name(database.name + ending) for ending in ("-wal", "-shm", "-journal")]
