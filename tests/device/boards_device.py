# path: tools/virtual_toy/board
"""The pin maps: every board has all of its pins, each of them once, on pins its chip can use."""

from machine import Pin

from device.boards import BOARDS, find_board, hold_power
from tests.device.check import equal, raises

PINS = (
    "microphone_sck",
    "microphone_ws",
    "microphone_sd",
    "speaker_sck",
    "speaker_ws",
    "speaker_sd",
    "led",
    "paw",
)
# Flash and USB; on the S3 also what octal PSRAM takes.
TAKEN = {
    "esp32": set(range(6, 12)),
    "esp32s3": {19, 20} | set(range(26, 38)),
}
# RTC pins, the only ones that wake a chip from deep sleep (data sheets, "RTC_MUX pin list").
RTC = {
    "esp32": {0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39},
    "esp32s3": set(range(22)),
}


def test_every_pin_is_there_once_and_free():
    for board in BOARDS.values():
        pins = [getattr(board, name) for name in PINS]
        if board.power_hold is not None:
            pins.append(board.power_hold)
        equal(len(set(pins)), len(pins))
        equal(TAKEN[board.chip] & set(pins), set())


def test_a_squeeze_can_wake_every_board():
    for board in BOARDS.values():
        assert board.paw in RTC[board.chip], board.name


def test_the_two_directions_have_an_i2s_each():
    for board in BOARDS.values():
        equal({board.microphone_id, board.speaker_id}, {0, 1})


def test_a_board_is_found_by_name_and_by_chip():
    for name, board in BOARDS.items():
        equal(find_board(name), board)
    assert find_board() in BOARDS.values()
    raises(ValueError, find_board, "toaster")


def test_a_board_that_switches_itself_off_is_kept_on():
    for board in BOARDS.values():
        hold_power(board)
        if board.power_hold is not None:
            equal(Pin(board.power_hold).value(), 1)
