"""The bench for a real board: settings written over USB, a relay here, on the same network."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from relay.address import toy_address
from relay.update.compiler import fold_beside
from tools.flash.console import Console
from tools.flash.errors import FlashError
from tools.hardware_test.bench import BenchError
from tools.talk.home import Home

SCRIPTS = Path(__file__).parent / "on_board"
SETTINGS = "settings.json"
SETTINGS_BEFORE = "settings.before-test"
CONSOLE_S = 0.5

_KEEP = f"""
import os
if {SETTINGS!r} in os.listdir() and {SETTINGS_BEFORE!r} not in os.listdir():
    os.rename({SETTINGS!r}, {SETTINGS_BEFORE!r})
"""
_GIVE_BACK = f"""
import os
if {SETTINGS_BEFORE!r} in os.listdir():
    if {SETTINGS!r} in os.listdir():
        os.remove({SETTINGS!r})
    os.rename({SETTINGS_BEFORE!r}, {SETTINGS!r})
"""
_READ = f"""
import os
for _name in ({SETTINGS_BEFORE!r}, {SETTINGS!r}):
    if _name in os.listdir():
        with open(_name) as _file:
            print(_file.read())
        break
"""


class BoardBench:
    """Implements `bench.Bench` over the console. Use `await open()` first, `await close()` last.

    The toy's own settings are put aside and given back at the end; `show` gets what it prints.
    """

    virtual = None

    def __init__(
        self,
        home: Home,
        token: str,
        port: str,
        networks: Sequence[tuple[str, str]] | None,
        show: Callable[[str], None],
    ) -> None:
        self.home = home
        self.networks: Sequence[tuple[str, str]] = networks or ()
        self._token = token
        self._port = port
        self._show = show
        self._own: dict[str, Any] = {}
        self._board = ""

    async def open(self) -> None:
        """Read the toy's own settings and put them aside; BenchError."""
        said = await self._on_console(_READ)
        try:
            self._own = json.loads(said) if said.strip() else {}
            known = [(one["ssid"], one.get("password") or "") for one in self._own["networks"]]
        except (ValueError, KeyError, TypeError):
            known = []
        self.networks = self.networks or known
        if not self.networks:
            raise BenchError(
                "The toy knows no Wi-Fi: flash it with settings first (make flash), or give "
                "networks with --networks FILE"
            )
        self._board = await self._on_console("import os\nprint(os.uname().machine)", "unknown")
        await self._on_console(_KEEP)

    async def close(self) -> None:
        """Give the toy its own settings back and start it."""
        await self._on_console(_GIVE_BACK)
        await asyncio.to_thread(self._restart)

    def describe(self) -> dict[str, str]:
        """Return what is under test, for the report."""
        return {
            "toy": f"a board on {self._port}: {self._board.strip()}",
            "pins": str(self._own.get("board") or "of the chip's dev kit"),
            "Wi-Fi": ", ".join(name for name, _ in self.networks),
        }

    async def switch_on(self, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Write settings and start the toy."""
        settings = {
            "networks": [{"ssid": name, "password": word} for name, word in self.networks],
            "relay": toy_address(self.home.relay.settings.listen, self.home.relay.port),
            "relay_certificate": self.home.certificate_for_toy,
            "token": self._token,
            "age": 7,
            "board": self._own.get("board"),
            **fields,
        }
        await asyncio.to_thread(self._write_and_restart, json.dumps(settings).encode())

    async def switch_off(self) -> None:
        """Stop the firmware; the board waits at its prompt."""
        await self._on_console("")

    async def run_on_board(self, script: str, timeout_s: float) -> dict[str, Any]:
        """Run a file of `on_board/` and return the JSON that it printed last."""
        name = f"BOARD_NAME = {self._own.get('board')!r}\n"
        code = name + fold_beside((SCRIPTS / script).read_text(encoding="utf-8"))
        try:
            said = await asyncio.to_thread(self._run_alone, code, timeout_s)
            found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        except (FlashError, ValueError, IndexError) as error:
            return {"error": f"{script} did not run: {error}"}
        return found

    async def _on_console(self, code: str, otherwise: str | None = None) -> str:
        try:
            return await asyncio.to_thread(self._run, code)
        except FlashError as error:
            if otherwise is not None:
                return otherwise
            raise BenchError(str(error)) from error

    def _run(self, code: str, timeout_s: float = 10) -> str:
        with Console(self._port) as console:
            console.interrupt()
            return console.run(code, timeout_s)

    def _run_alone(self, code: str, timeout_s: float) -> str:
        """Run code on a board that has just started, with nothing of the firmware loaded."""
        with Console(self._port) as console:
            console.take_over()
            try:
                return console.run(code, timeout_s)
            finally:
                console.give_back()

    def _write_and_restart(self, settings: bytes) -> None:
        with Console(self._port) as console:
            console.interrupt()
            console.write(SETTINGS, settings)
            self._listen(console)

    def _restart(self) -> None:
        with Console(self._port) as console:
            console.interrupt()
            self._listen(console)

    def _listen(self, console: Console) -> None:
        console.restart()
        for line in console.lines(CONSOLE_S):
            self._show(line)
