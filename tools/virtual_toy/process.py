"""The running board: the MicroPython process, its power switch, its watchdog, the joint to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.virtual_toy.board import _wire
from tools.virtual_toy.flash import BOARD, find_micropython

POWER_ON, HARD_RESET, WATCHDOG_RESET, DEEP_SLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
PIN_WAKE, TIMER_WAKE = 2, 4
LONGEST_LINE = 4096
FAVOURED = -10  # niceness; below 0 needs a privilege
BOOT_MS = 100  # from reset to boot.py; a real one takes 300 to 1000
HEADER_BYTES = struct.calcsize(_wire.TO_HOST_HEADER)


@dataclass(frozen=True)
class Message:
    """One message of the board: `at` is in seconds of time.monotonic()."""

    kind: int
    number: int
    at: float
    payload: bytes

    @property
    def count(self) -> int:
        """The payload as a number."""
        return int(struct.unpack(_wire.COUNT, self.payload)[0])


class Board:
    """Runs the flash in `flash`; starts again by itself after resets, as a board does.

    `on_message` gets everything the board does to the world, `on_console` each line it prints.
    `on_stopped` is called when main.py came to its end or the interpreter crashed: a real board
    would show its prompt, or start again.
    """

    def __init__(
        self,
        *,
        flash: Path,
        world: dict[str, Any],
        heap: str | None,
        on_message: Callable[[Message], None],
        on_console: Callable[[str], None],
        on_stopped: Callable[[], None],
    ) -> None:
        self._flash = flash
        self._world = world
        self._heap = heap
        self._on_message = on_message
        self._on_console = on_console
        self._on_stopped = on_stopped
        self._levels: dict[int, int] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._next_start: dict[str, int] | None = (
            None  # reset and wake cause, when it is to restart
        )
        self._sleep: asyncio.Future[None] | None = None
        self._sleep_pin = _wire.NO_PIN
        self._sleep_ms = 0
        self._watchdog_s: float | None = None
        self._watchdog: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Switch on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Pull the plug."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def restart(self, reset_cause: int = HARD_RESET) -> None:
        """End the program where it is and start it again."""
        self._next_start = {"reset_cause": reset_cause, "wake_reason": 0}
        self._kill()

    def change_world(self, **changes: Any) -> None:  # noqa: ANN401 - JSON
        """Change the world around the toy; see `board/_host.py` for its fields."""
        self._world.update(changes)
        self._send(_wire.WORLD, 0, json.dumps(changes).encode())

    def hold_pin(self, pin: int, level: int) -> None:
        """Hold an input pin at 0 or 1."""
        self._levels[pin] = level
        self._send(_wire.LEVEL, pin, bytes([level]))
        if self._sleep is not None and not self._sleep.done() and pin == self._sleep_pin:
            self._sleep.set_result(None)

    def play_to_microphone(self, start: float, path: Path | None) -> None:
        """Let the microphone hear a file of raw samples from `start` (monotonic seconds) on."""
        header = struct.pack(_wire.SOUND_HEADER, round(start * 1_000_000))
        self._send(_wire.SOUND, 0, header + (str(path) if path else "").encode())

    def _send(self, kind: int, number: int, payload: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            header = struct.pack(_wire.TO_BOARD_HEADER, kind, number, len(payload))
            self._writer.write(header + payload)

    async def _run(self) -> None:
        self._next_start = {"reset_cause": POWER_ON, "wake_reason": 0}
        while self._next_start is not None:
            self._world.update(self._next_start)
            self._next_start = None
            await self._run_once()
            await self._sleep_deeply()
            await asyncio.sleep(BOOT_MS / 1000)
        self._on_stopped()

    async def _run_once(self) -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        interpreter = [str(find_micropython())]
        if self._heap:
            interpreter += ["-X", f"heapsize={self._heap}"]
        process = await asyncio.create_subprocess_exec(
            *interpreter,
            str(BOARD / "power_on.py"),
            cwd=self._flash,
            env={
                "PATH": os.environ.get("PATH", ""),
                "TZ": "UTC",
                "VIRTUAL_TOY_LINK": str(theirs.fileno()),
            },
            pass_fds=[theirs.fileno()],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is for the host alone
        )
        theirs.close()
        with contextlib.suppress(OSError):
            # A board has a processor of its own: where the system lets us, models do not starve it.
            os.setpriority(os.PRIO_PROCESS, process.pid, FAVOURED)
        self._process = process
        assert process.stdout is not None  # noqa: S101 - asked for above
        console = asyncio.create_task(self._read_console(process.stdout))
        try:
            reader, self._writer = await asyncio.open_connection(sock=ours)
            self._send(_wire.WORLD, 0, json.dumps(self._world).encode())
            for pin, level in self._levels.items():
                self._send(_wire.LEVEL, pin, bytes([level]))
            await self._read_messages(reader)
        finally:
            self._stop_watchdog()
            self._kill()
            if self._writer is not None:
                self._writer.close()
            await process.wait()
            await console

    async def _read_messages(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await reader.readexactly(HEADER_BYTES)
                kind, number, length, time_us = struct.unpack(_wire.TO_HOST_HEADER, header)
                payload = await reader.readexactly(length)
                self._handle(Message(kind, number, time_us / 1_000_000, payload))

    def _handle(self, message: Message) -> None:
        if message.kind == _wire.RESET:
            self.restart(SOFT_RESET if message.number else HARD_RESET)
        elif message.kind == _wire.DEEP_SLEEP:
            self._sleep = asyncio.get_running_loop().create_future()
            self._sleep_pin, self._sleep_ms = message.number, message.count
            self._kill()
        elif message.kind == _wire.WATCHDOG_STARTED:
            self._watchdog_s = message.count / 1000
            self._feed_watchdog()
        elif message.kind == _wire.WATCHDOG_FED:
            self._feed_watchdog()
        self._on_message(message)

    async def _sleep_deeply(self) -> None:
        if self._sleep is None:
            return
        timeout = self._sleep_ms / 1000 if self._sleep_ms else None
        woken, _ = await asyncio.wait([self._sleep], timeout=timeout)
        self._sleep = None
        wake_reason = PIN_WAKE if woken else TIMER_WAKE
        self._next_start = {"reset_cause": DEEP_SLEEP_RESET, "wake_reason": wake_reason}

    def _feed_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._watchdog_s is not None:
            loop = asyncio.get_running_loop()
            self._watchdog = loop.call_later(self._watchdog_s, self.restart, WATCHDOG_RESET)

    def _stop_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._watchdog = self._watchdog_s = None

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _read_console(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # longer than LONGEST_LINE: its beginning is gone
                continue
            if not line:
                return
            self._on_console(line.decode(errors="replace").rstrip())
