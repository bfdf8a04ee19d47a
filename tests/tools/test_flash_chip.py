"""The real esptool against a simulated boot loader: which chip it is, erasing it, writing to it."""

import pytest

from tests.tools.rom_loader import RomLoader
from tools.flash import __main__ as flash
from tools.flash.chip import BootLoader
from tools.flash.errors import ChipError

ESP32 = {}
ESP32_S3 = {"chip_id": 9}
ESP32_C3 = {"chip_id": 5}
SETTINGS = ["--wifi", "home", "--relay", "ws://192.168.1.2:8765/toy", "--age", "7"]


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "micropython.bin"
    path.write_bytes((b"\xe9" + bytes(range(255))) * 1200)
    return path


@pytest.mark.parametrize(
    ("chip", "name", "address"), [(ESP32, "esp32", 0x1000), (ESP32_S3, "esp32s3", 0)]
)
def test_a_chip_is_known_erased_and_written(image, chip, name, address):
    shown = []
    with RomLoader(**chip) as rom:
        loader = BootLoader(rom.port, shown.append, attempts=1)
        assert loader.chip() == name
        assert not rom.erased
        loader.erase()
        assert rom.erased == 1
        loader.write(name, image)
        assert rom.written == {address: image.read_bytes()}
    assert any("100" in line for line in shown)  # its progress


@pytest.mark.parametrize(
    ("chip", "board", "words"),
    [
        (ESP32_S3, ["--board", "esp32-devkit"], "Name the right board"),
        (ESP32_C3, [], "The firmware runs on the ESP32 and the ESP32-S3"),
    ],
)
def test_a_wrong_chip_is_not_touched(image, capsys, chip, board, words):
    with RomLoader(**chip) as rom:
        assert flash.main(["--port", rom.port, "--image", str(image), *board, *SETTINGS]) == 1
        assert not rom.erased
        assert not rom.written
    assert words in " ".join(capsys.readouterr().out.split())


def test_a_cable_pulled_while_writing_is_told(image):
    with RomLoader(unplug=True) as rom:
        loader = BootLoader(rom.port, lambda line: None, attempts=1)
        with pytest.raises(ChipError, match="went away in the middle"):
            loader.write("esp32", image)
