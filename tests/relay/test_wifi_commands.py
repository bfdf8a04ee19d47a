"""A parent's Wi-Fi commands from the relay to a whole toy: done or refused, and never overheard."""

import logging

import pytest

from relay.session import Session, State
from tests.relay.conftest import OpenHouse
from tests.relay.house import House
from tools.virtual_toy import VirtualToy

PATIENCE_S = 60
SECRET = "correct battery"


def is_another_ready(house: House, before: Session) -> bool:
    now = house.server.sessions.get("toy-bear", before)
    return now is not before and now.state is State.IDLE


@pytest.mark.timeout(120)
async def test_networks_are_looked_for_added_kept_and_forgotten(
    open_house: OpenHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="relay")
    house = await open_house()
    url = f"ws://127.0.0.1:{house.server.port}/toy"
    async with VirtualToy(relay_url=url, token="bear") as toy:
        await toy.wait_until_ready(PATIENCE_S)

        async def command(name: str, **args: str):
            return await house.server.sessions["toy-bear"].command(name, args)

        found = await command("wifi_scan")
        assert [one["ssid"] for one in found.value] == ["home", "neighbours", "cafe"]
        assert [one["security"] for one in found.value] == ["wpa2", "wpa2", "open"]
        assert (await command("wifi_add", ssid="aunt", password=SECRET)).value == ["home", "aunt"]
        refused = await command("wifi_add", ssid="cafe")
        assert not refused.ok
        assert "not allowed" in refused.error
        assert not (await command("wifi_forget", ssid="home")).ok

        before = house.server.sessions["toy-bear"]
        toy.reset()
        await toy.wait_for(lambda: is_another_ready(house, before), PATIENCE_S)
        told = (await command("wifi_status")).value
        assert (told["ssid"], told["known"]) == ("home", ["home", "aunt"])
        assert (await command("wifi_forget", ssid="aunt")).value == ["home"]
        for text in (caplog.text, "\n".join(toy.console), str(told)):
            assert SECRET not in text
            assert "correct horse" not in text
