"""The simulated pins, clock, storage and light behave like the board's, bad habits too."""

from tests.virtual_toy.micropython_script import run_script


def test_a_pin_is_one_object_and_an_open_input_follows_its_pull(tmp_path):
    assert run_script(
        """
        from machine import Pin
        paw = Pin(32, Pin.IN, Pin.PULL_UP)
        print(paw is Pin(32), paw.value(), Pin(33, Pin.IN, Pin.PULL_DOWN).value())
        for wrong in (lambda: Pin(99), lambda: Pin(35, Pin.OUT), lambda: Pin("paw")):
            try:
                wrong()
            except ValueError as error:
                print(error)
        """,
        tmp_path,
    ) == ["True 1 0", "invalid pin", "pin can only be input", "invalid pin"]


def test_an_unconnected_input_floats(tmp_path):
    lines = run_script(
        """
        from machine import Pin
        import time
        seen = set()
        for _ in range(200):
            seen.add(Pin(25, Pin.IN).value())
            time.sleep_us(137)
        print(len(seen))
        """,
        tmp_path,
    )
    assert lines == ["2"]


def test_the_switch_bounces_and_settles(tmp_path):
    lines = run_script(
        """
        import _host, time
        from machine import Pin
        paw = Pin(32, Pin.IN, Pin.PULL_UP)
        _host.world["bounce_ms"] = 200
        _host.set_level(32, 0)
        early = set()
        for _ in range(60):
            early.add(paw.value())
            time.sleep_us(531)
        time.sleep_ms(250)
        late = set()
        for _ in range(60):
            late.add(paw.value())
            time.sleep_us(531)
        print(sorted(early), sorted(late))
        """,
        tmp_path,
    )
    assert lines == ["[0, 1] [0]"]


def test_a_pin_interrupt_is_called_at_its_edge(tmp_path):
    lines = run_script(
        """
        import _host, time
        from machine import Pin
        paw = Pin(32, Pin.IN, Pin.PULL_UP)
        paw.irq(lambda pin: print("edge", pin), Pin.IRQ_FALLING)
        for level in (0, 1, 0):
            _host.set_level(32, level)
            time.sleep_ms(5)
            paw.value()
        """,
        tmp_path,
    )
    assert lines == ["edge Pin(32)"] * 2


def test_the_clock_starts_in_2000_and_counts_whole_seconds(tmp_path):
    lines = run_script(
        """
        import time, machine
        print(type(time.time()), time.time() < 60, time.gmtime(0))
        machine.RTC().datetime((2026, 11, 22, 6, 12, 30, 0, 0))
        print(time.gmtime()[:5], machine.RTC().datetime()[:4])
        """,
        tmp_path,
    )
    assert lines == [
        "<class 'int'> True (2000, 1, 1, 0, 0, 0, 5, 1)",
        "(2026, 11, 22, 12, 30) (2026, 11, 22, 6)",
    ]


def test_storage_keeps_what_was_committed_and_complains_like_the_board(tmp_path):
    lines = run_script(
        """
        import esp32
        store = esp32.NVS("bramble")
        store.set_i32("boots", -3)
        store.set_blob("key", b"\\x00\\xff")
        store.commit()
        store.set_i32("lost", 1)  # never committed
        again = esp32.NVS("bramble")
        buffer = bytearray(4)
        print(again.get_i32("boots"), again.get_blob("key", buffer), bytes(buffer))
        for wrong in (
            lambda: again.get_i32("lost"),
            lambda: again.get_i32("key"),
            lambda: again.get_blob("key", bytearray(1)),
            lambda: again.set_i32("sixteen_letters_", 1),
        ):
            try:
                wrong()
            except OSError as error:
                print(error.args[1])
        """,
        tmp_path,
    )
    assert lines == [
        "-3 2 b'\\x00\\xff\\x00\\x00'",
        "ESP_ERR_NVS_NOT_FOUND",
        "ESP_ERR_NVS_TYPE_MISMATCH",
        "ESP_ERR_NVS_INVALID_LENGTH",
        "ESP_ERR_NVS_KEY_TOO_LONG",
    ]


def test_the_light_says_only_what_changed(tmp_path):
    lines = run_script(
        """
        import _host, _wire
        from machine import Pin
        from neopixel import NeoPixel
        _host.listeners.append(lambda kind, pin, data: print(kind == _wire.LED, pin, tuple(data)))
        light = NeoPixel(Pin(18), 1)
        light[0] = (1, 2, 3)
        light.write()
        light.write()
        light.fill((0, 0, 0))
        light.write()
        """,
        tmp_path,
    )
    assert lines == ["True 18 (1, 2, 3)", "True 18 (0, 0, 0)"]
