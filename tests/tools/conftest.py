"""What the tests of the tools share."""

import pytest

from tests.tools.model_server import serving
from tests.tools.model_smithy import Smith
from tests.tools.model_workshop import BIG, SMALL, Workshop
from tools.models import download, makers


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A catalogue that can be written, and a server that holds the model "bear"."""
    monkeypatch.setattr(download, "PAUSE_S", 0)
    with serving() as server:
        server.files = {"/bear/big.bin": BIG, "/bear/sub/small.json": SMALL}
        yield Workshop(tmp_path, server)


@pytest.fixture
def smith(monkeypatch):
    """The maker "smith"."""
    smith = Smith()
    monkeypatch.setitem(makers.MAKERS, "smith", smith)
    return smith
