"""What a toy tells about its own life, and what the relay tells it about the time."""

import logging
import time

import pytest

from relay.home_time import home_time
from tests.relay.house import House

TOLD = {
    "the toy started again after a failure",
    "the toy is in safe mode and does not listen",
}


def warnings(caplog) -> list[str]:
    return [record.message for record in caplog.records if record.message in TOLD]


async def test_the_time_at_home_comes_with_the_welcome_and_every_heartbeat(house: House) -> None:
    toy = await house.toy()
    await toy.send(type="heartbeat", rssi=None, heap_free=1, uptime_s=1)
    for message in (toy.welcome, await toy.expect("heartbeat_ack")):
        assert abs(message["time_s"] - time.time()) < 60
        assert message["utc_offset_s"] == time.localtime().tm_gmtoff


@pytest.mark.parametrize(
    ("zone", "offset_s"), [("UTC0", 0), ("EST5", -18000), ("IST-5:30", 19800), ("LINT-14", 50400)]
)
def test_the_time_zone_of_the_house_is_told(monkeypatch, zone: str, offset_s: int) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        time_s, utc_offset_s = home_time()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert utc_offset_s == offset_s
    assert abs(time_s - time.time()) < 60


async def test_a_crash_is_logged(house: House, caplog) -> None:
    await house.toy(crash="MemoryError ring.py:22 toy.py:63", reset="reset")
    assert warnings(caplog) == ["the toy started again after a failure"]
    told = next(record for record in caplog.records if record.message in warnings(caplog))
    assert "MemoryError ring.py:22 toy.py:63" in str(vars(told))
    assert told.levelno == logging.WARNING


async def test_a_bite_of_the_watchdog_and_safe_mode_are_logged(house: House, caplog) -> None:
    await house.toy(reset="watchdog", safe_mode=True)
    assert warnings(caplog) == [
        "the toy started again after a failure",
        "the toy is in safe mode and does not listen",
    ]


async def test_a_good_start_is_no_warning(house: House, caplog) -> None:
    await house.toy(reset="power", crash=None, safe_mode=False)
    assert warnings(caplog) == []


async def test_a_strange_report_does_not_lock_the_toy_out(house: House, caplog) -> None:
    toy = await house.toy(crash='Error\n2026 "forged line" \x1b[31m' + "x" * 1000)
    assert toy.welcome["type"] == "welcome"
    assert "\x1b" not in caplog.text
    hello = house.server.sessions["toy-bear"].hello
    assert hello is not None
    assert hello.crash is not None
    assert hello.crash.startswith("Error?2026 ?forged line? ??31m")
    assert len(hello.crash) == 160
