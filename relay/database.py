"""The database under the store: opened, migrated, called off the event loop, errors in plain words.

SQLite by default, any other database by its SQLAlchemy address.
"""

import asyncio
import contextlib
import functools
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import alembic.command
import alembic.config
import alembic.util
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from relay.errors import RelayError

_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")

_THREADS = 4
_TRY_AGAIN_S = 0.02
_migrating = threading.Lock()
_MIGRATION_LOCK = 0x4272616D  # any number that nobody else on the server uses: "Bram"
# Option of a connection that will write after it has read: SQLite then takes the write lock first,
# because upgrading a read lock fails at once when someone else has written in between.
_WRITES = "bramble_writes"

# What SQLite says (sqlite.org/rescode.html), and what a person can do about it.
_ADVICE = {
    "locked": "another program holds the database: stop other relays and backups, then try again",
    "readonly": "the database cannot be written: check the owner and the rights of the file",
    "unable to open": "the database cannot be opened: check that its folder exists and is yours",
    "not a database": "the file is not a database, or damaged: put a back-up in its place",
    "malformed": "the database is damaged: put a back-up in its place",
    "full": "the disk is full: make room, then try again",
    "disk i/o": "the disk cannot be read or written: check the disk and the rights of the folder",
}


class StoreError(RelayError):
    """The database cannot be used; the message says why and what to do."""


class Database:
    """One database, used through `call`.

    `url` is an SQLAlchemy address; `timeout_s` how long to wait for a lock. Nothing is opened
    before `open`; raises StoreError for an address that cannot be understood.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        self._url = _parse(url)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")
        self._engine = _make_engine(self._url, timeout_s)

    @property
    def where(self) -> str:
        """The file, or the address without its password."""
        if self._url.get_backend_name() == "sqlite":
            return self._url.database or "memory"
        return self._url.render_as_string(hide_password=True)

    async def open(self) -> None:
        """Make the file if need be and bring the tables up to date; raises StoreError."""
        await self._run(self._prepare)

    async def call(
        self,
        function: Callable[Concatenate[Connection, _Parameters], _Result],
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        """Run `function(connection, ...)` in one transaction on a thread; raises StoreError."""

        def transaction() -> _Result:
            with self._engine.execution_options(**{_WRITES: True}).begin() as connection:
                return function(connection, *args, **kwargs)

        return await self._run(transaction)

    async def read(
        self,
        function: Callable[Concatenate[Connection, _Parameters], _Result],
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        """Like `call`, for a function that writes nothing: it never waits for a writer."""

        def transaction() -> _Result:
            with self._engine.begin() as connection:
                return function(connection, *args, **kwargs)

        return await self._run(transaction)

    async def check(self) -> None:
        """Read the whole database for damage and try to write to it; raises StoreError."""

        def look(connection: Connection) -> None:
            if self._url.get_backend_name() != "sqlite":
                return
            if (said := connection.exec_driver_sql("PRAGMA quick_check").scalar()) != "ok":
                raise StoreError(f"{self.where}: {_ADVICE['malformed']} ({str(said)[:100]})")
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
            connection.exec_driver_sql(f"PRAGMA user_version = {int(version or 0)}")

        await self.call(look)

    async def compact(self) -> None:
        """Write the files anew, so that no byte of what was erased is left in them.

        Raises StoreError, also when other programs kept the old bytes in use.
        """
        await self._run(self._rewrite)

    async def settle(self) -> None:
        """Empty SQLite's log into its file, unless somebody is reading; raises StoreError.

        What is erased is overwritten in the file, but the log holds it as it was.
        """
        if self._url.get_backend_name() == "sqlite":
            await self._run(self._empty_log)

    async def close(self) -> None:
        """Close every connection."""
        await self._run(self._engine.dispose)
        self._threads.shutdown(wait=False)

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        def translated() -> _Result:
            with self._plain_errors():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, translated)

    def _rewrite(self) -> None:
        if self._url.get_backend_name() != "sqlite":
            with self._engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT")
                connection.exec_driver_sql("VACUUM FULL")
            return
        if not self._empty_log("VACUUM"):
            raise StoreError(
                f"{self.where}: erased, but another program still reads the file as it was: "
                "the last traces go when that program and the relay have been stopped"
            )

    def _empty_log(self, first: str = "") -> bool:
        """Empty the log after a statement; False where somebody still reads what is in it."""
        with contextlib.closing(self._engine.raw_connection()) as pooled:
            link = pooled.driver_connection
            if not isinstance(link, sqlite3.Connection):
                raise TypeError("SQLite is used through sqlite3")
            link.execute(first)
            # The log still holds the pages as they were (sqlite.org/pragma.html, wal_checkpoint);
            # SQLite waits for readers as long as for a lock.
            busy, *_ = link.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def _prepare(self) -> None:
        if self._url.get_backend_name() == "sqlite" and self._url.database:
            _make_private_file(Path(self._url.database))
        config = alembic.config.Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        writing = self._engine.execution_options(**{_WRITES: True})
        with writing.connect() as connection, self._unlinked(connection), connection.begin():
            if self._url.get_backend_name() == "postgresql":
                # Relays that start together take turns; SQLite's BEGIN IMMEDIATE sees to it there.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            config.attributes["connection"] = connection
            # Alembic keeps what it works on in global names: one migration at a time in a process.
            with _migrating:
                alembic.command.upgrade(config, "head")

    @contextlib.contextmanager
    def _unlinked(self, connection: Connection) -> Iterator[None]:
        """Have SQLite mind no foreign keys inside the block, which stands around a transaction.

        SQLite changes a table by copying it and dropping the old one, and would erase with it all
        that belongs to its rows (sqlite.org/lang_altertable.html, 7).
        """
        link = connection.connection.driver_connection
        if not isinstance(link, sqlite3.Connection):
            yield
            return
        link.execute("PRAGMA foreign_keys = OFF")
        try:
            yield
        finally:
            link.execute("PRAGMA foreign_keys = ON")

    @contextlib.contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except alembic.util.CommandError as error:
            raise StoreError(
                f"{self.where}: the database was made by a newer Bramble: update the relay"
            ) from error
        except (DBAPIError, PoolTimeout, OSError) as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
            raise StoreError(f"{self.where}: {_explain(cause)}") from error
        except SQLAlchemyError as error:
            raise StoreError(f"{self.where}: {type(error).__name__}") from error


def _explain(cause: BaseException) -> str:
    said = str(cause).lower()
    for sign, advice in _ADVICE.items():
        if sign in said:
            return advice
    if isinstance(cause, OSError) and cause.strerror:
        return f"{cause.strerror.lower()}: check the folder, its owner and its rights"
    if isinstance(cause, sqlite3.Error):
        return f"the database failed ({type(cause).__name__})"
    return "the database cannot be reached: check its address, and that it runs"


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "store.url is not a database address; it looks like sqlite:////folder/relay.db "
            "or postgresql+psycopg://user:password@host/database"
        ) from error


def _make_engine(url: URL, timeout_s: float) -> Engine:
    # hide_parameters: an error must not print the values of the statement.
    options: dict[str, Any] = {"hide_parameters": True}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": timeout_s}
    else:
        options |= {"pool_pre_ping": True, "pool_timeout": timeout_s, "pool_size": _THREADS}
    try:
        engine = create_engine(url, **options)
    except (NoSuchModuleError, ImportError) as error:
        raise StoreError(
            f"store.url: no driver for {url.drivername} is installed; "
            "for PostgreSQL: pip install psycopg[binary], and begin with postgresql+psycopg://"
        ) from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", functools.partial(_set_up_sqlite, timeout_s=timeout_s))
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object, *, timeout_s: float) -> None:
    # sqlite3 would open transactions by its own rules, which do not cover DDL; _begin_sqlite does.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {int(timeout_s * 1000)}")
    _write_ahead(connection, timeout_s)
    for pragma in (
        "synchronous = NORMAL",  # safe in WAL mode; sqlite.org/pragma.html#pragma_synchronous
        "foreign_keys = ON",
        "secure_delete = ON",  # what is erased is overwritten
    ):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Keep a log beside the file, so that readers never wait for the writer.

    Two programs that turn a new file to this mode in the same moment both hold it for reading and
    want it alone; SQLite refuses one of them at once, whatever its busy_timeout
    (sqlite.org/c3ref/busy_handler.html), and a moment later finds the other's work done.
    """
    give_up = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
        time.sleep(_TRY_AGAIN_S)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _make_private_file(path: Path) -> None:
    """Make the file before SQLite does, so that nobody else on this computer may read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
