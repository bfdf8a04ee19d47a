"""A private PostgreSQL server for the tests: its own folder, a Unix socket, nobody else's data."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, text

# .ci/run installs PostgreSQL and sets this, so that nothing is left out there.
REQUIRED = os.environ.get("TEST_POSTGRESQL") == "required"
START_S = 60


def find_postgresql() -> Path | None:
    """Return the folder of the server's programs: Debian keeps them out of the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = [folder for folder in folders if (folder / "initdb").exists()]
    on_path = shutil.which("initdb")
    return found[0] if found else Path(on_path).parent if on_path else None


class PostgreSQL:
    """One server, for as long as the `with` block lasts."""

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self):
        self._programs = find_postgresql()
        if self._programs is None:
            raise RuntimeError("There is no PostgreSQL, and TEST_POSTGRESQL=required.")
        # The path of a Unix socket has 107 characters at most, so pytest's folders will not do.
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        # The server refuses to be root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "bramble", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c fsync=off"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", data, "-l", log, "-w", "-t", str(START_S), "-o", options, "start")
        return self

    def __exit__(self, *_):
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextlib.contextmanager
    def database(self):
        """Give the SQLAlchemy address of a fresh database."""
        self._count += 1
        name = f"test_{self._count}"
        engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield self._url(name)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()

    def _url(self, name):
        return f"postgresql+psycopg://bramble@/{name}?host={self._folder}"

    def _run(self, program, *arguments):
        # pg_ctl's server would hold a pipe open for ever: a file takes what is said.
        with tempfile.TemporaryFile() as said:
            code = subprocess.run(
                [str(self._programs / program), *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=self._folder,
                user=self._user,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
                timeout=2 * START_S,
            ).returncode
            if code:
                said.seek(0)
                raise RuntimeError(f"{program}: {said.read().decode()[-1000:]}")
