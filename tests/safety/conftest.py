"""The filter as it is shipped, loaded once: what it answers depends on nothing it was asked."""

import os
from pathlib import Path

import pytest

from relay.safety.data_files import DATA
from relay.safety.embedding import Embedder
from relay.safety.filter import Filter


@pytest.fixture(scope="session")
def shipped() -> Filter:
    """The rules alone."""
    return Filter.load(DATA)


@pytest.fixture(scope="session")
def whole() -> Filter:
    """Rules and classifiers: what the gate asks."""
    return Filter.load(DATA, Embedder.load(Path(os.environ["BRAMBLE_MODELS_DIR"])))
