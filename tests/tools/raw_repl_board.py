"""Runs on MicroPython: a board with a raw REPL on standard input and output, as the ESP32's.

Started in the folder that is its flash; sys.argv[1] is the folder of the simulated hardware, and
argv[2] the one where it keeps what outlives a reset. argv[3] is the order of the samples on their
way out: its microphone hears its speaker. A reset ends this process; whoever started it starts it
again. Protocol: docs.micropython.org/en/latest/reference/repl.html#raw-mode
"""

import os
import select
import sys

_hardware, _state, _order = sys.argv[1:]
sys.path[:] = [_hardware, "", ".frozen", "lib"]

import _host  # noqa: E402
import _wire  # noqa: E402
from utime import ticks_us  # noqa: E402

_host.world["state_folder"] = _state
_host.world["wifi"]["scan_ms"] = 200
_host.world["wifi"]["connect_ms"] = 200
_write = sys.stdout.write
WINDOW = 128  # bytes, as on the ESP32
_globals = {"__name__": "__main__"}


class _Reset(BaseException):
    pass


_air = _state + "/air.raw"
_sounding = False


def _on_message(kind, number, payload):
    if kind == _wire.RESET:
        raise _Reset
    if kind == _wire.SPEAKER_DATA:
        _play(bytes(payload))


def _play(stereo):
    """Let what leaves the speaker reach the microphone, 200 ms later."""
    global _sounding  # noqa: PLW0603
    left = [stereo[n : n + 2] for n in range(0, len(stereo), 4)]
    if _order == "swapped":  # as a classic ESP32 does with 16-bit mono
        left = [left[n ^ 1] for n in range(len(left) & ~1)]
    with open(_air, "ab" if _sounding else "wb") as file:  # noqa: PTH123
        file.write(b"".join(left))
    if not _sounding:
        _sounding = True
        _host.set_sound(ticks_us() + 200000, _air)


_host.listeners.append(_on_message)


def _exists(name):
    try:
        os.stat(name)  # noqa: PTH116
    except OSError:
        return False
    return True


def _start():
    _write("MPY: boot\r\n")
    for name in ("boot.py", "main.py"):
        if _exists(name):
            try:
                execfile(name)  # noqa: F821
            except (Exception, KeyboardInterrupt) as error:
                sys.print_exception(error)
                return


class _Keyboard:
    """What comes in over the cable; a Ctrl-C interrupts what runs and drops what waits before it.

    SIGINT would not do: the unix port raises it in the middle of anything, a memory allocation as
    well, and may hang ever after. The ESP32 waits for the next bytecode; here it is the next touch
    of hardware.
    """

    def __init__(self):
        self._waiting = bytearray()
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def on_poll(self):
        while self._poll.poll(0):
            self._waiting += self._next()

    def read(self):
        if not self._waiting:
            return self._next()
        byte = bytes(self._waiting[:1])
        self._waiting[:] = self._waiting[1:]
        return byte

    def _next(self):
        byte = sys.stdin.buffer.read(1)
        if not byte:
            raise SystemExit
        if byte == b"\x03":
            self._waiting[:] = b""
            raise KeyboardInterrupt
        return byte


_keyboard = _Keyboard()
_host.pollers.append(_keyboard)
_read = _keyboard.read


def _friendly():
    _write("MicroPython on a pseudo-terminal\r\n>>> ")
    while True:
        try:
            if _read() == b"\x01":
                return
            _write("")
        except KeyboardInterrupt:
            _write("\r\n>>> ")


def _paste():
    """Take code as raw paste does: in windows, each confirmed, so that no byte is lost."""
    _write("R\x01")
    sys.stdout.buffer.write(bytes([WINDOW & 255, WINDOW >> 8]))
    code = bytearray()
    while True:
        byte = _read()
        if byte == b"\x04":
            _write("\x04")
            return bytes(code)
        code += byte
        if len(code) % WINDOW == 0:
            _write("\x01")


def _run(code, answer):
    _write(answer)
    try:
        exec(code, _globals)
        _write("\x04")
    except (Exception, KeyboardInterrupt) as error:
        _write("\x04")
        sys.print_exception(error)
    _write("\x04>")


def _raw():
    _write("raw REPL; CTRL-B to exit\r\n>")
    code = b""
    while True:
        try:
            byte = _read()
        except KeyboardInterrupt:
            code = b""
            continue
        if byte == b"\x01":
            _write("raw REPL; CTRL-B to exit\r\n>")
            code = b""
        elif byte == b"\x02":
            return
        elif byte == b"\x05":
            try:
                _read()
                _read()
                pasted = _paste()
            except KeyboardInterrupt:
                _write("\r\n>")
                continue
            _run(pasted, "")
        elif byte == b"\x04":
            _run(code, "OK")
            code = b""
        elif byte != b"\r" or code:
            code += byte


try:
    _start()
    while True:
        _friendly()
        _raw()
except _Reset:
    _write("\r\nets: rst\r\n")
