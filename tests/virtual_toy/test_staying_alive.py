"""The real firmware when things go wrong for good: crashes, standstill, long rests, nobody home."""

import asyncio
import textwrap
import time

import numpy as np
import pytest

from tests.virtual_toy.scripted_relay import ScriptedRelay
from tools.virtual_toy import Look, VirtualToy
from tools.virtual_toy.flash import ROOT, ToySettings

RATE = 16000
NOWHERE = "ws://127.0.0.1:9/toy"


@pytest.fixture
async def relay():
    seconds = np.arange(RATE) / RATE
    async with ScriptedRelay((8000 * np.sin(2 * np.pi * 300 * seconds)).astype(np.int16)) as relay:
        yield relay


def firmware_with(tmp_path, fault):
    """Return the firmware in a folder, with a main.py that does `fault` before it starts."""
    folder = tmp_path / "firmware"
    folder.mkdir()
    for name in ("boot.py", "device"):
        (folder / name).symlink_to(ROOT / name)
    hurry = "from device import app, start\napp.RESTART_DELAY_MS = 50\nstart.FIRST_REST_MS = 300\n"
    (folder / "main.py").write_text(hurry + textwrap.dedent(fault) + "app.run()\n")
    return folder


def hellos(relay):
    return [message for message in relay.messages if message["type"] == "hello"]


async def test_three_failed_starts_lead_to_safe_mode(relay, tmp_path):
    fault = """
        from device.audio.microphone import Microphone

        async def run(self):
            raise OSError("the microphone's secret")

        Microphone.run = run
    """
    firmware = firmware_with(tmp_path, fault)
    async with VirtualToy(relay_url=relay.url, token="t", firmware=firmware) as toy:
        assert await toy.wait_for(lambda: bool(hellos(relay)), 60)
        assert toy.boots == 4
        await toy.wait_for_look(Look.SAFE)
        hello = hellos(relay)[-1]
        assert hello["safe_mode"] is True
        assert hello["reset"] == "reset"
        assert hello["crash"].startswith("OSError main.py:")
        assert "secret" not in hello["crash"]
        assert not toy.microphone_open
        pressed = toy.press()
        assert await toy.wait_for(lambda: heard(toy, pressed) is not None, 10)
        assert toy.boots == 4


async def test_a_program_that_hangs_is_ended_and_the_relay_learns_why(relay, tmp_path):
    fault = """
        import machine
        from device import toy, watchdog

        watchdog.TIMEOUT_MS = 6000

        def hang(self, event):
            while True:
                pass

        if machine.reset_cause() == machine.PWRON_RESET:
            toy.Toy.happen = hang
    """
    firmware = firmware_with(tmp_path, fault)
    async with VirtualToy(relay_url=relay.url, token="t", firmware=firmware) as toy:
        await toy.wait_until_ready(60)
        assert toy.boots == 2
        assert [hello["reset"] for hello in hellos(relay)] == ["power", "watchdog"]


async def test_it_falls_asleep_and_a_squeeze_wakes_it(relay, tmp_path):
    # Time passes sixty times as fast for whoever counts the toy's rest.
    fault = """
        from device.health import Health

        tick = Health.tick

        def hurry(self):
            tick(self)
            self._uptime_ms += 20000

        Health.tick = hurry
    """
    settings = ToySettings(relay=relay.url, token="t").as_json()
    settings = settings.rstrip("}") + ', "sleep_minutes": 4}'
    firmware = firmware_with(tmp_path, fault)
    async with VirtualToy(
        relay_url=relay.url, token="t", firmware=firmware, settings=settings
    ) as toy:
        await toy.wait_until_ready(60)
        assert await toy.wait_for(lambda: any(e.name == "deep sleep" for e in toy.events), 60)
        assert {"type": "goodbye", "reason": "sleep"} in relay.messages
        await asyncio.sleep(0.5)
        assert toy.boots == 1
        assert toy.led == (0, 0, 0)
        assert not toy.microphone_open
        pressed = toy.press()
        assert await toy.wait_for(lambda: heard(toy, pressed) is not None, 30)
        toy.release()
        await toy.wait_until_ready(60)
        assert toy.boots == 2
        assert hellos(relay)[-1]["reset"] == "deep sleep"


async def test_away_from_home_a_squeeze_is_answered_in_words():
    async with VirtualToy(relay_url=NOWHERE, token="t") as toy:
        await toy.wait_for_look(Look.OFFLINE)
        pressed = toy.press()
        assert await toy.wait_for(lambda: heard(toy, pressed) is not None, 10)
        toy.release()
        assert heard(toy, pressed) - pressed < 3  # 0.1 s on a quiet machine
        await asyncio.sleep(6)
        last = toy.speaker.last_audible(pressed, time.monotonic())
        assert last is not None
        assert 2.5 < last - heard(toy, pressed) < 6


def heard(toy, since):
    """Return when something was first heard after `since`, None if nothing yet."""
    return toy.speaker.first_audible(since, time.monotonic())
