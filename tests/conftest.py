"""What all tests share: where the models lie, and the databases that the store is tried on."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.log_watch import WATCH, learn_at_the_source
from tests.postgresql import REQUIRED, PostgreSQL, find_postgresql

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("BRAMBLE_MODELS_DIR", str(ROOT / "models"))

# In CI a property is tried on the same examples each time, so that a build fails for its own change
# only; on a developer's computer the search goes on at random. How long an example takes says
# something of the machine alone.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# `make test` says so where there is no PostgreSQL (tools/left_out.py).
DATABASES = ["sqlite", "postgresql"] if REQUIRED or find_postgresql() else ["sqlite"]


@pytest.fixture(scope="session")
def log_watch():
    """Return what watches the logs of all tests."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        learn_at_the_source(WATCH, monkeypatch)
        yield WATCH


@pytest.fixture(autouse=True)
def no_log_holds_a_secret(log_watch):
    """Fail any test in which a token, a password or words of a child were logged."""
    log_watch.begin()
    yield
    if leaks := log_watch.leaks():
        pytest.fail(f"logged: {leaks}")


@pytest.fixture(scope="session")
def postgresql():
    """Return a running PostgreSQL server."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=DATABASES)
def store_url(request, tmp_path):
    """Return the address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'data' / 'relay.db'}"
    else:
        with request.getfixturevalue("postgresql").database() as url:
            yield url
