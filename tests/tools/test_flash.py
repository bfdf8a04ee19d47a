"""Flashing, on a pseudo-terminal with the real MicroPython behind it, up to the toy's hello."""

import itertools
import json
import os
import sys
from pathlib import Path

import pytest

from tests.tools.pty_board import PtyBoard
from tests.tools.welcoming_relay import TOKEN, welcoming_relay
from tools.check_device import ROOT
from tools.flash import __main__ as flash
from tools.flash import chip, ports
from tools.flash.console import Console
from tools.flash.errors import ConsoleError, HelloError
from tools.flash.hello import wait_for_hello

PASSWORD = "correct horse"  # of the simulated network "home"
FAKE_ESPTOOL = (sys.executable, str(Path(__file__).with_name("fake_esptool.py")))


@pytest.fixture
def relay():
    with welcoming_relay() as (address, hellos):
        yield address, hellos


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv(flash.PASSWORD_VARIABLE, PASSWORD)
    monkeypatch.setenv(flash.TOKEN_VARIABLE, TOKEN)


def bring(board, address, *more):
    """Flash with the settings of the simulated home; `more` options come last and win."""
    words = ["--port", board.port, "--board", "esp32-devkit", "--keep-micropython"]
    words += ["--wifi", "home", "--relay", address, "--age", "7", "--timeout", "40"]
    return flash.main([*words, *more])


def test_a_board_becomes_a_toy_that_says_hello(tmp_path, relay, capsys):
    address, hellos = relay
    with PtyBoard(tmp_path) as board:
        assert bring(board, address, "--volume-ceiling", "50") == 0
    shown = capsys.readouterr().out
    assert "said hello" in shown
    assert "link: welcome" in shown
    assert hellos[0]["age"] == 7
    assert hellos[0]["board"] == "esp32-devkit"
    settings = json.loads((board.flash / "settings.json").read_text())
    assert settings["volume_ceiling"] == 50
    assert settings["networks"] == [{"ssid": "home", "password": PASSWORD}]
    for secret in (PASSWORD, TOKEN):
        assert secret not in shown
    assert (board.flash / "device" / "app.mpy").exists()
    assert not list(board.flash.rglob("device/**/*.py"))


def test_again_over_a_running_toy_sends_only_what_changed(tmp_path, relay, capsys):
    address, hellos = relay
    with PtyBoard(tmp_path) as board:
        assert bring(board, address) == 0
        first = board.received
        for stale in ("device/app.py", "device/old/thing.py", "a/device/app.mpy"):
            path = board.flash / stale
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("raise SystemExit('stale')")
        (board.flash / "diary.txt").write_text("not ours")
        (board.flash / "slot.json").write_text('{"slot": "a", "state": "good"}')
        assert bring(board, address, "--keep-settings") == 0
        assert board.received - first < first / 3
    assert len(hellos) == 2
    assert not (board.flash / "device" / "app.py").exists()
    assert not (board.flash / "device" / "old").exists()
    assert not (board.flash / "a").exists()
    assert not (board.flash / "slot.json").exists()
    assert (board.flash / "diary.txt").exists()
    assert json.loads((board.flash / "settings.json").read_text())["token"] == TOKEN


def test_a_toy_that_does_not_get_through_says_why(tmp_path, capsys):
    with PtyBoard(tmp_path) as board:
        assert bring(board, "ws://127.0.0.1:9/toy") == 1
    assert "cannot reach the relay" in " ".join(capsys.readouterr().out.split())


def test_what_the_toy_says_is_put_into_plain_words():
    """Lines as the firmware prints them; the last trouble counts, the third of a kind ends it."""
    refused = "9.1 link: ended code=4401"
    for lines, words in (
        (["1.0 wifi: wrong password rssi=None ssid=home", refused], "does not know the token"),
        ([refused, "9.2 link: ended code=4403"], "an age from 3 to 13"),
        (["1.0 wifi: wrong password ssid=home"], "refuses the password"),
        (["1.0 wifi: no address from the router ssid=home"], "gives it no address"),
        (["0.1 app: a grown-up is needed: token is missing"], "token is missing"),
        (["Traceback (most recent call last):", " File", "ImportError: no module"], "no module"),
        ([], "says nothing at all"),
        (["0.5 toy: idle"], "has not reached the relay"),
    ):
        with pytest.raises(HelloError, match=words):
            wait_for_hello(lines, lambda line: None)
    endless = itertools.repeat("1.0 link: cannot reach the relay error=113")
    with pytest.raises(HelloError, match="cannot reach the relay"):
        wait_for_hello(endless, lambda line: None)


def test_a_cable_pulled_in_the_middle_is_told_and_nothing_half_done_starts(tmp_path, relay, capsys):
    with PtyBoard(tmp_path, unplug_after=60_000) as board:
        assert bring(board, relay[0]) == 1
    assert "went away in the middle" in " ".join(capsys.readouterr().out.split())
    assert list(board.flash.rglob("*.mpy"))
    assert not (board.flash / "main.py").exists()
    with PtyBoard(tmp_path) as board:
        assert bring(board, relay[0]) == 0


def test_a_port_that_leaves_the_bus_during_a_reset_is_found_again(tmp_path):
    port = tmp_path / "ttyACM0"
    with PtyBoard(tmp_path / "before") as board:
        port.symlink_to(board.port)
        console = Console(str(port))
        console.interrupt()
    port.unlink()
    with PtyBoard(tmp_path / "after") as board:
        (tmp_path / "new").symlink_to(board.port)
        (tmp_path / "new").rename(port)
        lines = console.lines(20)
        board.reset()
        assert "MPY: boot" in lines
        console.close()
    with pytest.raises(ConsoleError, match="cannot be opened"):
        Console(str(tmp_path / "nothing"), patience_s=0.3)


def test_without_settings_the_toy_asks_for_a_grown_up(tmp_path, capsys):
    with PtyBoard(tmp_path) as board:
        words = ["--port", board.port, "--keep-micropython", "--no-settings", "--timeout", "4"]
        assert flash.main(words) == 0
    shown = capsys.readouterr().out
    assert "Its password: " in shown
    assert "a grown-up is needed: there is no settings.json" in shown
    assert not (board.flash / "settings.json").exists()


def test_the_whole_way_with_the_boot_loader(tmp_path, relay, capsys, monkeypatch):
    monkeypatch.setattr(flash, "ARCHITECTURE", "x64")  # of the MicroPython behind the terminal
    monkeypatch.setattr(chip, "ESPTOOL", FAKE_ESPTOOL)
    monkeypatch.setenv("FAKE_ESPTOOL_LOG", str(tmp_path / "log"))
    image = tmp_path / "micropython.bin"
    image.write_bytes(b"\xe9" + os.urandom(300_000))
    with PtyBoard(tmp_path) as board:
        words = ["--port", board.port, "--image", str(image), "--wifi", "home"]
        words += ["--relay", relay[0], "--age", "7"]
        assert flash.main(words) == 0
    steps = (tmp_path / "log").read_text().splitlines()
    assert [step.split()[-1] for step in steps[:2]] == ["chip-id", "erase-flash"]
    assert steps[2].endswith(f"--chip esp32 write-flash 0x1000 {image}")
    assert "said hello" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("found", "board", "words"),
    [
        ("ESP32-S3", "esp32-devkit", "Name the right board with --board"),
        ("ESP32-C3", "esp32-devkit", "The firmware runs on the ESP32 and the ESP32-S3"),
        ("ESP8266EX", None, "The firmware runs on the ESP32 and the ESP32-S3"),
        ("silent", None, "Hold its BOOT button"),
        ("unplugged", None, "went away in the middle"),
        ("small", "esp32-devkit", "4 MB or more"),
    ],
)
def test_a_chip_that_will_not_do_is_left_as_it_was(
    tmp_path, capsys, monkeypatch, found, board, words
):
    monkeypatch.setattr(chip, "ESPTOOL", FAKE_ESPTOOL)
    monkeypatch.setenv("FAKE_ESPTOOL_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("FAKE_ESPTOOL_CHIP", found)
    image = tmp_path / "micropython.bin"
    image.write_bytes(b"\xe9" + os.urandom(300_000))
    monkeypatch.setattr(flash, "check_port", lambda port: None)
    options = ["--board", board] if board else []
    settings = ["--wifi", "home", "--relay", "ws://192.168.1.2:8765/toy", "--age", "7"]
    code = flash.main(["--port", "/dev/pretend", "--image", str(image), *options, *settings])
    assert code == 1
    assert words in " ".join(capsys.readouterr().out.split())
    steps = (tmp_path / "log").read_text()
    assert ("erase-flash" in steps) == (found == "small")


def test_the_real_esptool_says_that_nobody_answers(tmp_path):
    with PtyBoard(tmp_path) as board, pytest.raises(chip.ChipError, match="BOOT button"):
        chip.BootLoader(board.port, lambda line: None, attempts=1).chip()


def test_no_board_no_port_and_no_permission(tmp_path, capsys, monkeypatch):
    with pytest.raises(ports.PortError, match="carries data"):
        ports.find_port(None, lambda: [])
    assert flash.main(["--port", str(tmp_path / "nothing")]) == 1
    assert "There is no" in capsys.readouterr().out
    refused = ports.explain("/dev/null", PermissionError(13, "Permission denied"))
    assert "usermod -aG" in str(refused) or not sys.platform.startswith("linux")
    with (
        PtyBoard(tmp_path) as board,
        ports.serial.Serial(board.port, exclusive=True),
        pytest.raises(ports.PortError, match="Another program"),
    ):
        ports.check_port(board.port)


def test_of_several_ports_the_boards_are_found():
    class Port:
        description = "a port"

        def __init__(self, device, vid):
            self.device, self.vid = device, vid

    mouse, first, second = Port("/dev/ttyS0", None), Port("/dev/a", 0x10C4), Port("/dev/b", 0x303A)
    assert ports.find_port(None, lambda: [mouse, first]) == "/dev/a"
    with pytest.raises(ports.PortError, match=r"(?s)--port.*/dev/a.*/dev/b"):
        ports.find_port(None, lambda: [mouse, first, second])


def test_make_flash_has_a_help_text(capsys):
    with pytest.raises(SystemExit):
        flash.main(["--help"])
    assert "--keep-micropython" in capsys.readouterr().out
    assert "flash:" in (ROOT / "Makefile").read_text()
