"""`python -m relay parent`: links from the computer that the relay runs on."""

import json
import re
import sqlite3

from tests.parent.page import PASSWORD, open_house
from tests.relay.relay_process import relay

LINK = re.compile(r"^https://\S+(/link/[\w-]{43})$", re.M)


def link_of(result):
    assert result.returncode == 0, result.stderr
    return LINK.search(result.stdout)[1]


async def test_links_make_accounts_and_set_passwords(tmp_path):
    assert "Nobody has an account yet" in relay(tmp_path, "parent", "list").stdout
    first = link_of(relay(tmp_path, "parent", "link"))
    family = link_of(relay(tmp_path, "parent", "link", "--household", "The Owls"))
    async with open_house(tmp_path) as house:
        for name, link in (("Ada", first), ("Olga", family)):
            browser = house.browser()
            await browser.get(link)
            await browser.send(link, {"name": name, "password": PASSWORD, "again": PASSWORD})
    listed = json.loads(relay(tmp_path, "parent", "list", "--json").stdout)
    assert [(one["name"], one["household"]) for one in listed] == [
        ("Ada", "Home"),
        ("Olga", "The Owls"),
    ]
    reset = link_of(relay(tmp_path, "parent", "reset", "ada"))
    async with open_house(tmp_path) as house:
        page = await house.browser().get(reset)
        assert page.status_code == 200 and 'name="password"' in page.text
    with sqlite3.connect(tmp_path / "relay.db") as database:
        assert reset.split("/")[-1] not in "\n".join(database.iterdump())


def test_a_name_that_nobody_has_is_said_plainly(tmp_path):
    result = relay(tmp_path, "parent", "reset", "Nobody")
    assert result.returncode == 1
    assert 'nobody logs in as "Nobody": see parent list' in result.stderr
