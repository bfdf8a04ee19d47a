"""The board's end of the joint to the host: the world around the toy, and what the toy does to it.

Nothing here runs by itself: the fakes call `poll()` whenever the firmware touches hardware, so that
the firmware's event loop holds the firmware's tasks alone.

Without a host (no VIRTUAL_TOY_LINK in the environment) the fakes stand on their own in a default
world: tests change `world` and `set_level()` directly and may read what the fakes say by putting a
function (kind, number, payload) into `listeners`.
"""

import json
import os
import struct

import _wire
from utime import sleep_ms, ticks_diff, ticks_us

POLL_EVERY_US = 2000

world = {
    "board": "esp32-devkit",
    "reset_cause": 1,  # machine.PWRON_RESET
    "unique_id": "24a160b4a301",
    "state_folder": ".",  # where NVS and RTC memory are kept
    "clock_s": 0,  # seconds that the real-time clock shows at power-up, since 2000
    "wifi": {
        "networks": [  # name, bssid, channel, rssi, authmode, password, hidden
            ["home", "50c7bf010203", 6, -55, 3, "correct horse", False],
        ],
        "scan_ms": 2500,
        "connect_ms": 1500,
        "fail_ms": 2000,
    },
    "microphone": {"shift": 11, "noise": 26, "offset": -220, "junk_ms": 300},
    "bounce_ms": 6,
    "send_buffer": 0,  # bytes; small ones make the firmware's socket writes partial
    "ports": {},  # port of the toy's own access point, as text -> real port on this machine
    "routes": [],  # host, port, real host, real port: where a connection really goes
}
levels = {}  # pin number -> 0 or 1, as the host holds it
changed_us = {}  # pin number -> when it last changed
sound = [0, None]  # when its first sample reaches the microphone in us, open file
listeners = []
pollers = []  # objects whose on_poll() is called after each poll: pending interrupts
wake_pins = []  # pins that end a deep sleep

_in_header = bytearray(struct.calcsize(_wire.TO_BOARD_HEADER))
_out_header = bytearray(struct.calcsize(_wire.TO_HOST_HEADER))
_next_poll_us = 0

_number = os.getenv("VIRTUAL_TOY_LINK")
_link = open(int(_number), "r+b", 0) if _number else None


def send(kind, number=0, payload=b"", time_us=None):
    """Tell the host, waiting while it is busy; `payload` is at most LARGEST_PAYLOAD bytes."""
    for listener in listeners:
        listener(kind, number, payload)
    if _link is None:
        return
    now_us = ticks_us() if time_us is None else time_us
    struct.pack_into(_wire.TO_HOST_HEADER, _out_header, 0, kind, number, len(payload), now_us)
    _write(_out_header)
    if len(payload):
        _write(payload)


def send_count(kind, count):
    """Tell the host a number."""
    send(kind, 0, struct.pack(_wire.COUNT, count))


def _write(data):
    rest = memoryview(data)
    while rest:
        written = _link.write(rest)
        if written is None:
            sleep_ms(1)
        else:
            rest = rest[written:]


def poll():
    """Take in what the host has said, at most every POLL_EVERY_US."""
    global _next_poll_us
    now_us = ticks_us()
    if ticks_diff(now_us, _next_poll_us) < 0:
        return
    _next_poll_us = now_us + POLL_EVERY_US
    while _link is not None and _read(_in_header, False):
        _take()
    for poller in pollers:
        poller.on_poll()


def wait_for_world():
    """Wait for the first message: the world as it is at power-up."""
    while _link is not None and not _read(_in_header, False):
        sleep_ms(1)
    if _link is not None:
        _take()


def _read(buffer, begun):
    """Fill `buffer`; False if nothing has come and nothing was `begun`."""
    rest = memoryview(buffer)
    while rest:
        count = _link.readinto(rest)
        if count is None:
            if not begun:
                return False
            sleep_ms(1)
            continue
        if count == 0:
            lose_power()
        rest = rest[count:]
        begun = True
    return True


def lose_power():
    """End this process at once: the host is gone, or is about to end it anyway."""
    os.system("kill -9 $PPID")
    while True:
        sleep_ms(1000)


def _take():
    kind, number, length = struct.unpack(_wire.TO_BOARD_HEADER, _in_header)
    payload = bytearray(length)
    _read(payload, True)
    if kind == _wire.WORLD:
        world.update(json.loads(payload))
    elif kind == _wire.LEVEL:
        set_level(number, payload[0])
    elif kind == _wire.SOUND:
        start_us = struct.unpack_from(_wire.SOUND_HEADER, payload)[0]
        set_sound(start_us, bytes(payload[struct.calcsize(_wire.SOUND_HEADER) :]).decode())


def set_level(pin, level):
    """Hold the input `pin` at 0 or 1 from outside; the switch bounces for `bounce_ms`."""
    if levels.get(pin) != level:
        levels[pin] = level
        changed_us[pin] = ticks_us()


def set_sound(start_us, path):
    """Let the microphone hear the raw sound file `path` from `start_us` of ticks_us() on."""
    if sound[1] is not None:
        sound[1].close()
    sound[0] = start_us
    sound[1] = open(path, "rb", 0) if path else None
