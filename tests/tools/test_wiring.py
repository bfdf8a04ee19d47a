"""The wiring pictures, the page around them and the pin maps say the same."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from device import light
from device.boards import Esp32DevKit, Esp32S3DevKit

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "hardware.md").read_text(encoding="utf-8")
BOARDS = {"wiring-esp32.svg": Esp32DevKit, "wiring-esp32s3.svg": Esp32S3DevKit}
WIRED = (
    "microphone_sck",
    "microphone_ws",
    "microphone_sd",
    "speaker_sck",
    "speaker_ws",
    "speaker_sd",
    "led",
    "paw",
)


def pins(board):
    return sorted(getattr(board, name) for name in WIRED)


@pytest.mark.parametrize("name", BOARDS)
def test_a_picture_shows_the_pins_of_its_board(name):
    root = ElementTree.parse(DOCS / "pictures" / name).getroot()
    namespace = "{http://www.w3.org/2000/svg}"
    words = [element.text or "" for element in root.iter(f"{namespace}text")]
    shown = sorted(int(number) for word in words for number in re.findall(r"GPIO (\d+)", word))
    assert shown == pins(BOARDS[name])
    about = root.find(f"{namespace}desc").text
    assert sorted(int(number) for number in re.findall(r"GPIO (\d+)", about)) == pins(BOARDS[name])


@pytest.mark.parametrize("name", BOARDS)
def test_the_page_shows_the_picture(name):
    assert f"](pictures/{name})" in PAGE


def test_the_table_of_wires_has_the_same_pins():
    table = PAGE[PAGE.index("## Wires") : PAGE.index("![Wiring")]
    rows = [row.split("|") for row in table.splitlines() if "GPIO" in row]
    for column, board in ((3, Esp32DevKit), (4, Esp32S3DevKit)):
        found = sorted(int(re.search(r"GPIO (\d+)", row[column])[1]) for row in rows)
        assert found == pins(board)


def test_every_look_of_the_light_is_explained():
    explained = re.findall(r"^\| (\S[^|]*?) +\| \S", light.__doc__, re.MULTILINE)[1:]
    assert len(explained) == len(light.LOOKS)
    table = PAGE[PAGE.index("## What the light says") : PAGE.index("## Troubleshooting")]
    for look in explained:
        assert f"| {look} |" in table
