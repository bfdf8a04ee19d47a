"""A page on a store of its own."""

import pytest

from tests.parent.page import open_house


@pytest.fixture
async def house(tmp_path):
    async with open_house(tmp_path) as house:
        yield house
