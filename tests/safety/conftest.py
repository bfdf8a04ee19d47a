"""The filter as it is shipped, loaded once: it is immutable."""

import pytest

from relay.safety.data_files import DATA
from relay.safety.filter import Filter


@pytest.fixture(scope="session")
def shipped() -> Filter:
    return Filter.load(DATA)
