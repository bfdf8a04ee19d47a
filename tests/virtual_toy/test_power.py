"""Resets, the watchdog, deep sleep and crashes really end the program."""

import asyncio

import pytest

from tests.virtual_toy.small_firmware import write_firmware
from tools.virtual_toy import FirmwareMissingError, ToyStoppedError, VirtualToy, VirtualToyError

NOWHERE = "ws://127.0.0.1:9/toy"


def toy_with(tmp_path, main, **options):
    firmware = write_firmware(tmp_path / "firmware", main, options.pop("boot", ""))
    return VirtualToy(relay_url=NOWHERE, token="t", firmware=firmware, **options)


async def lines_after(toy, count, timeout_s=30):
    """Wait until the firmware has printed `count` lines."""
    await toy.wait_for(lambda: len(toy.console) >= count, timeout_s)
    return list(toy.console)


async def test_reset_starts_again_and_memory_outlives_it(tmp_path):
    main = """
        import machine
        rtc = machine.RTC()
        print(machine.reset_cause(), rtc.memory())
        if machine.reset_cause() == machine.PWRON_RESET:
            rtc.memory(b"kept")
            machine.reset()
            print("never")
    """
    async with toy_with(tmp_path, main) as toy:
        assert await lines_after(toy, 2) == ["1 b''", "2 b'kept'"]
        assert toy.boots == 2


async def test_the_watchdog_ends_a_program_that_hangs(tmp_path):
    main = """
        import machine, time
        print(machine.reset_cause() == machine.WDT_RESET)
        if machine.reset_cause() == machine.PWRON_RESET:
            dog = machine.WDT(timeout=400)
            for _ in range(6):
                time.sleep_ms(100)
                dog.feed()
            print("fed")
            while True:
                pass
    """
    async with toy_with(tmp_path, main) as toy:
        assert await lines_after(toy, 3) == ["False", "fed", "True"]


async def test_deep_sleep_ends_by_time_or_by_the_paw(tmp_path):
    main = """
        import esp32, machine
        from machine import Pin
        print(machine.reset_cause(), machine.wake_reason())
        if machine.wake_reason() == 0:
            machine.deepsleep(200)
        if machine.wake_reason() == machine.TIMER_WAKE:
            esp32.wake_on_ext0(Pin(32, Pin.IN, Pin.PULL_UP), esp32.WAKEUP_ALL_LOW)
            machine.deepsleep()
    """
    async with toy_with(tmp_path, main) as toy:
        assert await lines_after(toy, 2) == ["1 0", "4 4"]
        await asyncio.sleep(0.3)
        assert len(toy.console) == 2
        toy.press()
        assert (await lines_after(toy, 3))[2] == "4 2"


async def test_leaving_the_program_is_a_soft_reset(tmp_path):
    main = """
        import machine, sys
        print(machine.reset_cause())
        if machine.reset_cause() != machine.SOFT_RESET:
            sys.exit()
    """
    async with toy_with(tmp_path, main) as toy:
        assert await lines_after(toy, 2) == ["1", "5"]


async def test_a_crash_is_reported_with_its_last_words(tmp_path):
    main = """
        raise RuntimeError("out of honey")
    """
    async with toy_with(tmp_path, main) as toy:
        with pytest.raises(ToyStoppedError, match="out of honey"):
            await toy.wait_until_ready(30)


async def test_main_does_not_run_when_boot_has_failed(tmp_path):
    async with toy_with(tmp_path, "print('main')", boot="1 / 0") as toy:
        with pytest.raises(ToyStoppedError, match="ZeroDivisionError"):
            await toy.wait_until_ready(30)
        assert "main" not in list(toy.console)


async def test_a_small_heap_is_small(tmp_path):
    main = """
        print("started")
        bytearray(200000)
    """
    async with toy_with(tmp_path, main, heap="150K") as toy:
        with pytest.raises(ToyStoppedError, match="MemoryError"):
            await toy.wait_until_ready(30)


async def test_the_reset_button_works_at_any_time(tmp_path):
    async with toy_with(tmp_path, "while True: pass", boot="print('boot')") as toy:
        await lines_after(toy, 1)
        toy.reset()
        assert await lines_after(toy, 2) == ["boot", "boot"]


async def test_a_firmware_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(FirmwareMissingError, match=r"boot\.py"):
        async with VirtualToy(relay_url=NOWHERE, token="t", firmware=tmp_path):
            pass


@pytest.mark.parametrize("url", ["http://there", "ws://:80", "ws://there:99999/toy", "there"])
def test_an_address_that_is_none_is_said_so(url):
    with pytest.raises(VirtualToyError, match="looks like ws://"):
        VirtualToy(relay_url=url, token="t")
