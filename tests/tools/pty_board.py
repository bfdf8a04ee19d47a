"""A board on a pseudo-terminal: real MicroPython behind a serial port that can be unplugged."""

import contextlib
import os
import select
import subprocess
import threading
import tty
from pathlib import Path

from tools.virtual_toy.flash import BOARD, find_micropython

SCRIPT = Path(__file__).with_name("raw_repl_board.py")


class PtyBoard:
    """Use as a context manager. `port` is the serial port, `flash` the folder of its files.

    `unplug_after` pulls the cable when that many bytes have been received. `order` of the samples
    that its speaker plays: "straight" or "swapped".
    """

    def __init__(
        self, folder: Path, unplug_after: int | None = None, order: str = "straight"
    ) -> None:
        self.flash = folder / "flash"
        self.state = folder / "state"
        for made in (self.flash, self.state):
            made.mkdir(parents=True, exist_ok=True)
        self.received = 0
        self._order = order
        self.starts = 0
        self._unplug_after = unplug_after
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._stop = threading.Event()
        self._awake = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._awake.wait(20), "MicroPython did not start"
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(20)
        self._unplug()

    def reset(self):
        """Press the RESET button."""
        self._process.kill()

    def _unplug(self):
        for descriptor in (self._slave, self._master):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _run(self):
        while not self._stop.is_set():
            self.starts += 1
            self._process = subprocess.Popen(
                [find_micropython(), "-X", "heapsize=8M", SCRIPT, BOARD, self.state, self._order],
                cwd=self.flash,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
            try:
                self._pump(self._process)
            except OSError:
                self._stop.set()
            finally:
                self._process.kill()
                self._process.wait()

    def _pump(self, process):
        output = process.stdout.fileno()
        while not self._stop.is_set():
            ready, _, _ = select.select([self._master, output], [], [], 0.1)
            if output in ready:
                data = os.read(output, 4096)
                if not data:
                    return
                os.write(self._master, data)
                self._awake.set()
            if self._master in ready:
                self._take(process, os.read(self._master, 4096))

    def _take(self, process, data):
        self.received += len(data)
        if self._unplug_after is not None and self.received > self._unplug_after:
            self._unplug()
            self._stop.set()
            return
        process.stdin.write(data)
