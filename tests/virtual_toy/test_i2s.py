"""The simulated I2S keeps the board's time, its limits and its traps."""

import math
from array import array

import pytest

from tests.virtual_toy.micropython_script import run_script

START = """
import asyncio, struct, time, _host, _wire
from machine import I2S, Pin
def microphone(ibuf=16384, bits=32, format=I2S.MONO):
    return I2S(0, sck=Pin(26), ws=Pin(25), sd=Pin(33), mode=I2S.RX, bits=bits, format=format,
               rate=16000, ibuf=ibuf)
def speaker(ibuf=4096, format=I2S.STEREO):
    return I2S(1, sck=Pin(22), ws=Pin(21), sd=Pin(19), mode=I2S.TX, bits=16, format=format,
               rate=16000, ibuf=ibuf)
"""


def run(body, tmp_path):
    return run_script(START + body, tmp_path)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("bits=24", "ValueError invalid bits"),
        ("format=7", "ValueError invalid format"),
        ("mode=9", "ValueError invalid mode"),
        ("sck=26", "TypeError expecting a pin"),
    ],
)
def test_wrong_arguments_raise(change, error, tmp_path):
    lines = run(
        f"""
arguments = dict(sck=Pin(26), ws=Pin(25), sd=Pin(33), mode=I2S.RX, bits=32, format=I2S.MONO,
                 rate=16000, ibuf=8192)
arguments.update({change})
try:
    I2S(0, **arguments)
except (ValueError, TypeError) as error:
    print(type(error).__name__, error)
""",
        tmp_path,
    )
    assert lines == [error]


def test_every_keyword_is_required_and_there_are_two_ids(tmp_path):
    lines = run(
        """
for wrong in (lambda: I2S(0, sck=Pin(1), ws=Pin(2), sd=Pin(3)), lambda: I2S(
        2, sck=Pin(1), ws=Pin(2), sd=Pin(3), mode=1, bits=32, format=0, rate=16000, ibuf=8192)):
    try:
        wrong()
    except (TypeError, ValueError) as error:
        print(type(error).__name__)
""",
        tmp_path,
    )
    assert lines == ["TypeError", "ValueError"]


def test_one_id_has_one_direction_and_one_owner(tmp_path):
    lines = run(
        """
first = microphone()
second = microphone()
for call in (lambda: first.readinto(bytearray(4)), lambda: second.write(b"1234"),
             lambda: second.readinto(bytearray(6))):
    try:
        call()
    except OSError as error:
        print(error.args[-1])
""",
        tmp_path,
    )
    assert lines == ["ESP_ERR_INVALID_STATE", "1", "22"]


def test_the_microphone_keeps_the_time(tmp_path):
    lines = run(
        """
async def main():
    stream = asyncio.StreamReader(microphone())
    buffer = bytearray(1280)
    taken, started = 0, time.ticks_ms()
    while taken < 16000 * 4:
        taken += await stream.readinto(buffer)
    print(time.ticks_diff(time.ticks_ms(), started))
asyncio.run(main())
""",
        tmp_path,
    )
    assert 950 <= int(lines[0]) <= 3000


def test_frames_that_nobody_reads_are_lost(tmp_path):
    lines = run(
        """
_host.listeners.append(lambda kind, _, data: kind == _wire.MICROPHONE_OVERRUN and print(
    "lost", struct.unpack("<I", data)[0] > 0))
async def main():
    source = microphone(ibuf=4096)
    stream = asyncio.StreamReader(source)
    buffer = bytearray(65536)
    await stream.readinto(buffer)
    time.sleep_ms(300)
    print(await stream.readinto(buffer))  # 2 buffers of 256 words, no more
asyncio.run(main())
""",
        tmp_path,
    )
    assert lines == ["lost True", "2048"]


def test_the_microphone_hears_the_sound_at_its_level_after_its_junk(tmp_path):
    tone = array("h", (round(8000 * math.sin(i / 10)) for i in range(16000)))
    (tmp_path / "tone.raw").write_bytes(tone.tobytes())
    lines = run(
        """
_host.world["microphone"].update({"noise": 0, "offset": -220})
started = time.ticks_us()
source = microphone()
_host.set_sound(started + 500000, "tone.raw")
buffer = bytearray(4 * 1600)
heard = []
for block in range(8):  # 0.8 s, blocking
    source.readinto(buffer)
    heard.append([struct.unpack_from("<i", buffer, 4 * i)[0] >> 11 for i in range(1600)])
print(max(heard[0]) > 10000, set(heard[4]))
spoken = heard[6]
print(spoken[:400])
""",
        tmp_path,
    )
    assert lines[0] == "True {-220}"
    heard = [value + 220 for value in eval(lines[1])]
    # The clock of the microphone and the start of the sound agree to a few ms.
    shifts = range(1600 - 100, 1600 + 100)
    assert any(heard == list(tone[shift : shift + 400]) for shift in shifts)


def test_sixteen_bits_are_the_upper_ones(tmp_path):
    tone = array("h", [12345] * 16000)
    (tmp_path / "tone.raw").write_bytes(tone.tobytes())
    lines = run(
        """
_host.world["microphone"].update({"noise": 0, "offset": 0, "junk_ms": 0})
source = microphone(bits=16)
_host.set_sound(time.ticks_us() - 100000, "tone.raw")
buffer = bytearray(2 * 512)
source.readinto(buffer)
source.readinto(buffer)
print(struct.unpack("<hhh", buffer[:6]))
""",
        tmp_path,
    )
    assert lines == [str((12345 >> 5,) * 3)]


def test_the_first_write_blocks_the_loop_unless_it_was_polled(tmp_path):
    lines = run(
        """
async def main(polled):
    stream = asyncio.StreamWriter(speaker())
    sound = bytearray(4 * 8000)  # half a second
    started = time.ticks_ms()
    if polled:
        stream.out_buf = sound
        await asyncio.sleep_ms(0)
    else:
        stream.write(sound)
    print(time.ticks_diff(time.ticks_ms(), started) > 300)
asyncio.run(main(True))
asyncio.run(main(False))
""",
        tmp_path,
    )
    assert lines == ["False", "True"]


def test_the_speaker_takes_bytes_and_only_what_fits(tmp_path):
    lines = run(
        """
from array import array
import select
out = speaker()
poll = select.poll()
poll.register(out, select.POLLOUT)
time.sleep_ms(30)
print(poll.poll(100)[0][1] == select.POLLOUT)
print(out.write(array("h", bytes(16384))))  # 3 of 4 buffers: one is being played
print(out.write(bytearray(1024)), poll.poll(0))
""",
        tmp_path,
    )
    assert lines == ["True", "3072", "0 []"]


def test_the_callback_mode_drops_a_second_request(tmp_path):
    lines = run(
        """
source = microphone()
source.irq(lambda which: print("done", which is source))
buffer, other = bytearray(2048), bytearray(2048)
print(source.readinto(buffer), source.readinto(other))
deadline = time.ticks_add(time.ticks_ms(), 500)
paw = Pin(32, Pin.IN, Pin.PULL_UP)
while time.ticks_diff(deadline, time.ticks_ms()) > 0:
    paw.value()
    time.sleep_ms(5)
print(any(buffer), any(other))
""",
        tmp_path,
    )
    assert lines == ["2048 2048", "done True", "True False"]


def test_shift_left_does_not_clip(tmp_path):
    lines = run(
        """
buffer = bytearray(struct.pack("<hh", 20000, -4))
I2S.shift(buf=buffer, bits=16, shift=1)
print(struct.unpack("<hh", buffer))
I2S.shift(buf=buffer, bits=16, shift=-1)
print(struct.unpack("<hh", buffer))
""",
        tmp_path,
    )
    assert lines == ["(-25536, -8)", "(-12768, -4)"]
