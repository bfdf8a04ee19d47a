"""Make a backup, also while the relay runs."""

import contextlib
import os
import sqlite3
import tempfile
import time
from pathlib import Path

from sqlalchemy.engine import make_url

from relay.backup.archive import DATABASE, IDENTITY, SETTINGS, Archive, pack
from relay.backup.errors import BackupError
from relay.backup.passphrase import seal
from relay.config import Settings

_LOCKED_S = 10.0


def back_up(
    settings: Settings, target: Path, *, settings_file: Path | None, passphrase: str | None = None
) -> int:
    """Write everything that is the family's into `target`, and return its size in bytes.

    The file is the owner's alone (0600), whole or not there at all, and never written over another.
    Raises BackupError.
    """
    try:
        content = pack(Archive(_collect(settings, settings_file), int(time.time())))
        if passphrase is not None:
            content = seal(content, passphrase)
        _write_new(target, content)
    except FileExistsError:
        raise BackupError(f"{target} is there already: choose another name") from None
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BackupError(f"{target}: the backup could not be made: {reason.lower()}") from error
    return len(content)


def database_file(settings: Settings) -> Path:
    """Return the SQLite file in use; raises BackupError for another kind of database."""
    url = make_url(settings.store_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupError(
            f"the data is in {url.get_backend_name()}, which has backups of its own "
            "(pg_dump, pg_restore): use them, and keep the .pem files of data_dir beside it"
        )
    return Path(url.database)


def _collect(settings: Settings, settings_file: Path | None) -> dict[str, bytes]:
    file = database_file(settings)
    if not file.exists():
        raise BackupError(f"there is nothing to back up yet: {file} is not there")
    files = {DATABASE: _snapshot(file)}
    for name in IDENTITY:
        with contextlib.suppress(FileNotFoundError):
            files[name] = (settings.data_dir / name).read_bytes()
    if settings_file is not None:
        files[SETTINGS] = settings_file.read_bytes()
    return files


def _snapshot(file: Path) -> bytes:
    """Return the database as it is at one moment, whoever writes to it meanwhile."""
    with tempfile.TemporaryDirectory(prefix="bramble-backup-") as folder:
        copy = Path(folder) / DATABASE  # the folder is the owner's alone
        # Not read-only: SQLite may have to make the log's index first (sqlite.org/wal.html, 5).
        source = sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=_LOCKED_S)
        with (
            contextlib.closing(source),
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            if target.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise BackupError("the database is damaged: put an older backup in its place")
            # One file, without a log beside it.
            target.execute("PRAGMA journal_mode = DELETE")
        return copy.read_bytes()


def _write_new(target: Path, content: bytes) -> None:
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
