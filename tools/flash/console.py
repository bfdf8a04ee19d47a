"""MicroPython on the board, over its raw REPL: copy files, start it again, listen to what it says.

The raw REPL and the file transfer are mpremote's own; what is here knows how a toy behaves.
"""

import contextlib
import hashlib
import io
import secrets
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from relay.update.compiler import ARCHITECTURES
from tools.flash.errors import ConsoleError

RUN_TIMEOUT_S = 10
READ_TIMEOUT_S = 3  # without one, a board that stops in the middle would hold us for ever
REPL_TRIES = 6  # a Ctrl-C that comes while the board starts is lost
REPL_TRY_S = 2.5
REOPEN_TIMEOUT_S = 15  # a chip with USB of its own leaves the bus during a reset
CHUNK_BYTES = 512
POLL_S = 0.1
RESTART_S = 1.5  # from reset to MicroPython's prompt

START = "main.py"
START_ASIDE = "main.off"
LONGEST_LINE = 4096

GONE = (
    "The board went away in the middle. Look at cable and power, plug it in again, and run the "
    "same command once more: it starts over and nothing is lost"
)
SILENT = (
    "MicroPython does not answer on this port. If the board is new, let this tool write "
    "MicroPython (leave --keep-micropython out). If it was just written: press RESET and "
    "try again with --keep-micropython"
)

_GIVE_BACK = f"""
import os
if {START_ASIDE!r} in os.listdir():
    os.rename({START_ASIDE!r}, {START!r})
"""
# Firmware that was there before; `a` and `b` hold updates, and slot.json picks one (boot.py).
_CLEAR = """
import os
_replaced, _keep = %r, %r
def _clear(path):
    for name, kind, *_ in os.ilistdir(path):
        file = path + '/' + name
        if kind & 0x4000:
            _clear(file)
        elif file not in _keep:
            os.remove(file)
    if not any(one.startswith(path + '/') for one in _keep):
        os.rmdir(path)
for _name, _kind, *_ in list(os.ilistdir()):
    if _name in _replaced and _kind & 0x4000:
        _clear(_name)
    elif _name in _replaced:
        os.remove(_name)
"""
_REPLACED = ("slot.json", "slot.new", "device", "a", "b", START_ASIDE)

# uname().machine is like "Generic ESP32S3 module with ESP32S3".
_MACHINE = """
import os, sys
_name = os.uname().machine if hasattr(os, 'uname') else ''
print(_name.split(' with ')[-1], getattr(sys.implementation, '_mpy', 0), sep=';')
"""
MPY_VERSION = 6

_HASHES = """
import binascii, hashlib
for _name in %r:
    _sha = hashlib.sha256()
    try:
        with open(_name, 'rb') as _file:
            while True:
                _piece = _file.read(512)
                if not _piece:
                    break
                _sha.update(_piece)
    except OSError:
        continue
    print(binascii.hexlify(_sha.digest()).decode(), _name)
"""


class Console:
    """The console on `port`, open until `close`. Every method raises ConsoleError.

    `patience_s` is how long to wait for a port that is on its way back after a reset.
    """

    def __init__(self, port: str, patience_s: float = 0) -> None:
        self._port = port
        self._transport = self._open_within(patience_s)
        self._pending = b""

    def close(self) -> None:
        """Let the port go."""
        with contextlib.suppress(OSError):
            self._transport.close()

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def interrupt(self) -> None:
        """Stop the program that runs and take over."""
        with self._explained(SILENT), contextlib.redirect_stdout(io.StringIO()):
            for left in reversed(range(REPL_TRIES)):
                try:
                    self._transport.enter_raw_repl(soft_reset=False, timeout_overall=REPL_TRY_S)
                    self._agree()
                    return
                except (TransportError, struct.error):
                    if not left:
                        raise

    def _agree(self) -> None:
        """Raise TransportError unless the board answers this very question.

        A slow board answers an earlier try after the next one was sent, and says its prompt twice;
        from then on each end would take the other's words for something else.
        """
        self._transport.use_raw_paste = True  # mpremote gives it up at the first misunderstanding
        word = secrets.token_hex(4)
        out, _ = self._transport.exec_raw(f"print('{word}')", timeout=REPL_TRY_S)
        if out.strip() != word.encode():
            raise TransportError("the board answers something else")

    def take_over(self) -> None:
        """Interrupt the firmware for good: stop it, put its start aside, and restart the board.

        A watchdog that the firmware has started cannot be stopped and would restart the board in
        the middle of what follows. Without main.py nothing starts one.
        """
        self.interrupt()
        if START in self.run("import os\nprint(os.listdir())"):
            self.run(f"import os\nos.rename({START!r}, {START_ASIDE!r})")
            self.restart()
            for _ in self.lines(RESTART_S):
                pass  # the port may come and go
            self.interrupt()

    def give_back(self) -> None:
        """Put back what `take_over` put aside; `restart` then starts the firmware again."""
        self.run(_GIVE_BACK)

    def machine(self) -> tuple[str, str]:
        """Return the chip, like "esp32s3", and the architecture that .mpy files have to be for."""
        said = self.run(_MACHINE).split(";")
        name, number, version = said[0], int(said[1]) >> 10, int(said[1]) & 0xFF
        if not 0 < number < len(ARCHITECTURES) or version != MPY_VERSION:
            raise ConsoleError(
                "The MicroPython on this board cannot run the firmware: it is too old or a special "
                "build. Leave --keep-micropython out to have it replaced"
            )
        return name.lower().replace("-", "") or "esp32", ARCHITECTURES[number]

    def run(self, code: str, timeout_s: float = RUN_TIMEOUT_S) -> str:
        """Run code on the board and return what it printed; its traceback is a ConsoleError."""
        with self._explained(GONE):
            out, error = self._transport.exec_raw(code, timeout=timeout_s)
        if error:
            raise ConsoleError(f"MicroPython says: {error.decode(errors='replace').strip()}")
        return str(out.decode(errors="replace"))

    def copy(self, folder: Path, files: list[Path], copied: Callable[[Path, bool], None]) -> None:
        """Make the board's firmware be `files` of `folder`, in that order.

        Files that are there already are not sent again, and what is left of another firmware is
        removed: a stray .py would be imported in the place of its .mpy. `copied` is told each file
        and whether it was sent.
        """
        names = [file.as_posix() for file in files]
        self.run(_CLEAR % (_REPLACED, names), timeout_s=60)
        folders = {parent.as_posix() for file in files for parent in file.parents} - {"."}
        there = self._hashes(names)
        for name in sorted(folders):
            self._make_folder(name)
        for file in files:
            content = (folder / file).read_bytes()
            new = there.get(file.as_posix()) != hashlib.sha256(content).hexdigest()
            if new:
                self._send(file.as_posix(), content)
            copied(file, new)
        self._compare({name: (folder / name).read_bytes() for name in names})

    def write(self, name: str, content: bytes) -> None:
        """Write one file and see that it arrived whole."""
        self._send(name, content)
        self._compare({name: content})

    def _send(self, name: str, content: bytes) -> None:
        with self._explained(GONE):
            self._transport.fs_writefile(name, content, chunk_size=CHUNK_BYTES)

    def _compare(self, contents: dict[str, bytes]) -> None:
        there = self._hashes(list(contents))
        for name, content in contents.items():
            if there.get(name) != hashlib.sha256(content).hexdigest():
                raise ConsoleError(
                    f"{name} did not arrive whole. Run this again without --keep-micropython: that "
                    "makes the board's file system anew"
                )

    def _hashes(self, names: list[str]) -> dict[str, str]:
        """Return the SHA-256 in hex of each of the files that the board has."""
        lines = self.run(_HASHES % names, timeout_s=60).split("\n")
        return dict(line.split()[::-1] for line in lines if line.strip())

    def restart(self) -> None:
        """Restart the board as its RESET button does."""
        with self._explained(GONE):
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
            self._transport.in_raw_repl = False
        self._pending = b""

    def lines(self, timeout_s: float) -> Iterator[str]:
        """Yield each line that the board prints, until `timeout_s` is over."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            try:
                self._transport.serial.timeout = POLL_S
                self._pending += self._transport.serial.read(256)
                self._transport.serial.timeout = READ_TIMEOUT_S
            except (OSError, TypeError):  # pyserial trips over a descriptor that is gone
                self.close()
                try:
                    self._transport = self._open_within(REOPEN_TIMEOUT_S)
                except ConsoleError:
                    raise ConsoleError(GONE) from None
            *whole, self._pending = self._pending.split(b"\n")
            self._pending = self._pending[-LONGEST_LINE:]
            for line in whole:
                yield line.decode(errors="replace").strip()

    def _open(self) -> SerialTransport:
        with self._explained(f"{self._port} cannot be opened"):
            return SerialTransport(self._port, timeout=READ_TIMEOUT_S)

    def _open_within(self, seconds: float) -> SerialTransport:
        end_s = time.monotonic() + seconds
        while True:
            try:
                return self._open()
            except ConsoleError:
                if time.monotonic() >= end_s:
                    raise
                time.sleep(POLL_S)

    def _make_folder(self, name: str) -> None:
        with self._explained(GONE), contextlib.suppress(FileExistsError):
            self._transport.fs_mkdir(name)

    @contextlib.contextmanager
    def _explained(self, advice: str) -> Iterator[None]:
        """Turn what pyserial and mpremote raise into a ConsoleError."""
        try:
            yield
        except (FileExistsError, FileNotFoundError, TransportExecError, ConsoleError):
            raise
        except (OSError, TransportError, struct.error, TypeError, ValueError) as error:
            # mpremote unpacks a reply that was cut off; pyserial trips over a closed descriptor.
            raise ConsoleError(f"{advice}.") from error
