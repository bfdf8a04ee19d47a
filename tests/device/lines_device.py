# path: tools/virtual_toy/board
"""The lines in the flash: said whole, said once, and no harm done by a file that is broken."""

import os
from array import array

from device.audio import dsp
from device.audio.earcon import Line
from device.audio.lines import FOLDER, LinePlayer
from device.backoff import random_below
from device.protocol import ADPCM_FRAME_BYTES, SAMPLES_PER_FRAME
from tests.device.check import equal, peak

LINES = [getattr(Line, name) for name in dir(Line) if not name.startswith("__")]


def play(player, most=1000):
    """Return the frames that a player makes until it is silent."""
    frames = []
    pcm = array("h", bytes(2 * SAMPLES_PER_FRAME))
    while player.sounding:
        player.fill(pcm, SAMPLES_PER_FRAME)
        frames.append(bytes(pcm))
        assert len(frames) <= most, "it never ends"
    return frames


def write(name, data):
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(data)


def test_every_line_is_in_the_flash_and_can_be_heard():
    for line in LINES:
        player = LinePlayer(dsp.adpcm_decode)
        assert player.start(line), line
        frames = play(player)
        equal(len(frames), os.stat(FOLDER + line + ".adpcm")[6] // ADPCM_FRAME_BYTES + 1)  # noqa: PTH116
        loudest = max(peak(frame) for frame in frames)
        assert 8000 < loudest < 32768, (line, loudest)
        assert 1 < len(frames) * 0.02 < 6, (line, len(frames))


def test_a_line_is_said_as_it_was_encoded():
    encoded, expected, state = b"", [], bytearray(4)
    pcm, frame = array("h", bytes(640)), bytearray(ADPCM_FRAME_BYTES)
    for number in range(5):
        for index in range(SAMPLES_PER_FRAME):
            pcm[index] = (index * 37 + number * 991) % 20000 - 10000
        dsp.adpcm_encode(pcm, frame, SAMPLES_PER_FRAME, state)
        encoded += bytes(frame)
        decoded = array("h", bytes(640))
        dsp.adpcm_decode(frame, decoded, SAMPLES_PER_FRAME)
        expected.append(bytes(decoded))
    write("one.adpcm", encoded)
    player = LinePlayer(dsp.adpcm_decode, "./")
    assert player.start("one")
    expected.append(bytes(640))
    equal(play(player), expected)


def test_a_line_that_is_asked_for_again_goes_on():
    player = LinePlayer(dsp.adpcm_decode)
    pcm = array("h", bytes(640))
    player.start(Line.AWAY)
    whole = play(player)
    player.start(Line.AWAY)
    for _ in range(10):
        player.fill(pcm, SAMPLES_PER_FRAME)
        assert player.start(Line.AWAY)
    equal(len(play(player)), len(whole) - 10)


def test_a_line_that_is_asked_for_near_its_end_is_said_once_more():
    player = LinePlayer(dsp.adpcm_decode)
    pcm = array("h", bytes(640))
    player.start(Line.AWAY)
    whole = play(player)
    player.start(Line.AWAY)
    for _ in range(len(whole) - 3):
        player.fill(pcm, SAMPLES_PER_FRAME)
    for _ in range(3):
        assert player.start(Line.AWAY)
    equal(play(player), whole[-3:-1] + whole)
    player.start(Line.AWAY)
    equal(play(player), whole)


def test_another_line_or_a_stop_ends_it():
    player = LinePlayer(dsp.adpcm_decode)
    player.start(Line.GROWN_UP)
    expected = play(player)
    player.start(Line.AWAY)
    assert player.start(Line.GROWN_UP)
    equal(play(player), expected)
    player.start(Line.AWAY)
    player.stop()
    assert not player.sounding
    pcm = array("h", [7] * SAMPLES_PER_FRAME)
    player.fill(pcm, SAMPLES_PER_FRAME)
    equal(bytes(pcm), bytes(640))


def test_a_line_that_is_not_there_is_said_so():
    player = LinePlayer(dsp.adpcm_decode, "./")
    equal(player.start(Line.AWAY), False)
    equal(player.sounding, False)


def test_broken_files_end_and_do_no_harm():
    for size in (0, 1, 163, 164, 165, 1000, 3000):
        write("broken.adpcm", bytes(random_below(256) for _ in range(size)))
        player = LinePlayer(dsp.adpcm_decode, "./")
        assert player.start("broken")
        equal(len(play(player)), size // ADPCM_FRAME_BYTES + 1)
