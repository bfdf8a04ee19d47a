"""The data as a parent takes it away and erases it."""

import io
import zipfile

import pytest

from relay.store.transcripts import Transcript
from tests.parent.page import PASSWORD, open_house


@pytest.fixture
async def house(tmp_path):
    async with open_house(tmp_path) as house:
        yield house


async def child_of(house, browser, name="Mia"):
    """Return the id of a child whose conversations are kept."""
    await browser.get("/children/new")
    await browser.send("/children/new", {"name": name, "age": "6"})
    home = (await house.tables.parents.find("Ada"))[0].household
    (child,) = [each for each in await house.tables.children.of(home) if each.name == name]
    toy = await house.toy()
    said = Transcript(
        home,
        child.id,
        toy.id,
        "s",
        1,
        1_790_000_000,
        "<b>why</b>",
        "because",
        "answered",
        "",
        2**33,
    )
    await house.tables.transcripts.add(said)
    return child.id


def unpacked(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert sorted(archive.namelist()) == ["data.json", "read-me.html"]
    return archive.read("data.json").decode(), archive.read("read-me.html").decode()


async def test_all_of_it_is_handed_out_readable(house):
    browser = await house.parent()
    child = await child_of(house, browser)
    await browser.get("/account/data")
    for path in ("/account/data", f"/children/{child}/export"):
        data, page = unpacked(await browser.post(path))
        assert '"heard": "<b>why</b>"' in data
        assert "&lt;b&gt;why&lt;/b&gt;" in page and "<b>why" not in page
        assert "argon2" not in data + page
    log = await browser.get("/account/log")
    assert "downloaded data" in log.text


async def test_a_child_is_erased_by_its_name_only(house):
    browser = await house.parent()
    child = await child_of(house, browser)
    await browser.get(f"/children/{child}/erase")
    answer = await browser.send(f"/children/{child}/erase", {"name": "Tom"})
    assert answer.status_code == 422 and "nothing was erased" in answer.text
    assert (await browser.get(f"/children/{child}")).status_code == 200
    answer = await browser.send(f"/children/{child}/erase", {"name": " mia "})
    assert answer.status_code == 200 and "Erased" in answer.text
    assert (await browser.get(f"/children/{child}")).status_code == 404
    data, _ = unpacked(await browser.post("/account/data"))
    assert "Mia" not in data and "why" not in data
    assert house.changes, "running toys were not told"


async def test_everything_is_erased_by_the_password_only(house):
    browser = await house.parent()
    await child_of(house, browser)
    await browser.get("/account/data/erase")
    answer = await browser.send("/account/data/erase", {"password": "wrong words"})
    assert answer.status_code == 422
    answer = await browser.send("/account/data/erase", {"password": PASSWORD})
    assert "Everything is erased" in answer.text
    assert (await browser.get("/")).headers["location"] == "/login"
    assert not await house.tables.parents.exist()
    assert await house.store.toys() == []


async def test_another_households_child_is_neither_handed_out_nor_erased(house):
    browser = await house.parent()
    child = await child_of(house, browser)
    stranger = await house.parent("Eve", await house.family("Others"))
    await stranger.get("/account/data")
    assert (await stranger.post(f"/children/{child}/export")).status_code == 404
    assert (await stranger.get(f"/children/{child}/erase")).status_code == 404
    assert (await stranger.post(f"/children/{child}/erase", {"name": "Mia"})).status_code == 404
    assert (await browser.get(f"/children/{child}")).status_code == 200
