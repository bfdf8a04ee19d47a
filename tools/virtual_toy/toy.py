"""The virtual toy: the firmware on a simulated board, and the world around it in your hands."""

from __future__ import annotations

import collections
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from device.boards import find_board
from device.light import Look
from tools.virtual_toy.air import Air, NetworkConditions, relay_address
from tools.virtual_toy.errors import ToyTimeoutError
from tools.virtual_toy.flash import ROOT, ToySettings, make_flash
from tools.virtual_toy.lights import Colour
from tools.virtual_toy.microphone import Microphone
from tools.virtual_toy.paw import Child, Paw
from tools.virtual_toy.phone import PhoneWay
from tools.virtual_toy.process import Board
from tools.virtual_toy.reply import Reply
from tools.virtual_toy.senses import Event, Senses
from tools.virtual_toy.sound import Samples, read_wav
from tools.virtual_toy.speaker import SpeakerRecording
from tools.virtual_toy.wifi import Wifi

NOT_READY = {
    Look.OFFLINE: "It cannot reach the relay: is that running, at this address and port?",
    Look.NEEDS_GROWN_UP: "Its settings, its age (3 to 13) or its token are not accepted.",
    Look.SET_UP: "It waits to be set up: settings.json is missing, or has no age from 3 to 13.",
    Look.CONNECTING: "It is still looking for the Wi-Fi or for the relay.",
}
SMALL_SEND_BUFFER = 2048  # bytes; Linux makes at least 4608 of it


class VirtualToy:
    """One toy. Use it as `async with VirtualToy(relay_url=..., token=...) as toy:`.

    `settings` replaces what settings.json would say: a ToySettings, raw text (torn files), or ""
    for no file at all. `connect_ms` is what the driver takes to join, or the shortest and the
    longest time of it. `world` replaces fields of the simulated world (see board/_host.py); `heap`
    is MicroPython's heap, like "160K". `on_sound(at, samples)` is called with each piece of sound
    handed to the speaker, up to 64 ms before it is heard at `at`; `on_event` and `on_console` with
    each event and console line. All times are seconds of time.monotonic(). `setup` tells where a
    phone finds the page of the set-up. Raises VirtualToyError for an address that is none, on start
    MicroPythonMissingError or FirmwareMissingError.
    """

    def __init__(
        self,
        *,
        relay_url: str,
        token: str,
        age: int | None = 7,
        relay_certificate: bytes | None = None,
        volume: int = 100,
        volume_ceiling: int = 100,
        ssid: str = "home",
        rssi: int = -55,
        network: NetworkConditions | None = None,
        settings: ToySettings | str | None = None,
        heap: str | None = None,
        board: str = "esp32-devkit",
        connect_ms: int | tuple[int, int] = 300,
        scan_ms: int = 300,
        world: dict[str, Any] | None = None,
        firmware: Path = ROOT,
        on_event: Callable[[Event], None] | None = None,
        on_sound: Callable[[float, Samples], None] | None = None,
        on_console: Callable[[str], None] | None = None,
    ) -> None:
        self._relay = relay_address(relay_url)
        self.conditions = network or NetworkConditions()
        self.air = Air(*self._relay, self.conditions)
        self._wifi = Wifi(ssid, ToySettings.password, rssi, connect_ms=connect_ms, scan_ms=scan_ms)
        self.setup = PhoneWay()
        self.settings = settings
        if settings is None:
            self.settings = ToySettings(
                relay=relay_url,
                token=token,
                age=age,
                ssid=ssid,
                volume=volume,
                volume_ceiling=volume_ceiling,
                relay_certificate=relay_certificate,
                board=board,
            )
        pins = find_board(board)
        self._firmware = firmware
        self._temporary = tempfile.TemporaryDirectory(
            prefix="virtual-toy-", ignore_cleanup_errors=True
        )
        self._folder = Path(self._temporary.name)
        self._senses = Senses(pins.led, on_event=on_event, on_sound=on_sound, on_console=on_console)
        self._board = Board(
            flash=self._folder / "flash",
            world={
                "board": board,
                "state_folder": str(self._folder),
                "wifi": self._wifi.as_world(),
                "ports": self.setup.as_world(),
                "send_buffer": SMALL_SEND_BUFFER if self.conditions.partial_writes else 0,
                **(world or {}),
            },
            heap=heap,
            on_message=self._senses.take,
            on_console=self._senses.read_line,
            on_stopped=self._senses.notice_end,
        )
        self._paw = Paw(self._board, pins.paw, self._senses)
        self._microphone = Microphone(self._board, self._folder)
        self._child = Child(self._paw, self._microphone, self._senses)

    async def __aenter__(self) -> VirtualToy:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Switch on."""
        make_flash(self._folder / "flash", self.settings or None, self._firmware)
        await self.air.start()
        self._board.change_world(routes=[[*self._relay, "127.0.0.1", self.air.port]])
        self._board.start()

    async def stop(self) -> None:
        """Pull the plug and clear up."""
        await self._board.stop()
        await self.air.stop()
        self._temporary.cleanup()

    def reset(self) -> None:
        """Press the reset button."""
        self._senses.note("reset", "button")
        self._board.restart()

    # What the child does

    def press(self) -> float:
        """Squeeze the paw; returns when."""
        return self._paw.press()

    def release(self) -> float:
        """Let the paw go; returns when."""
        return self._paw.release()

    def feed(self, samples: Samples) -> None:
        """Let the microphone hear live sound, 16 kHz mono, 100 ms later."""
        self._microphone.feed(samples)

    async def ask(
        self,
        question: Path | str | Samples,
        *,
        mode: Literal["hold", "tap"] = "hold",
        lead_ms: float = 250,
        hold_extra_ms: float = 200,
        interrupt_after_ms: float | None = None,
        timeout_s: float = 60,
        voiced_samples: int | None = None,
    ) -> Reply:
        """Ask a question in real time and wait until the toy has said all of its answer.

        The child begins to speak `lead_ms` after the squeeze (after the "your turn" sound in tap
        mode) and, in hold mode, lets go `hold_extra_ms` after the last voiced sample. If the paw is
        still down from an interruption, it stays down. With `interrupt_after_ms` the paw is
        squeezed, and kept so (in tap mode: tapped), that long after the first sound of the answer.
        `voiced_samples` is where the voice ends in a question whose noise is too loud to tell.
        Whether words came, the Reply says with `answered`. ToyTimeoutError when the toy is still
        busy after `timeout_s`, ToyStoppedError if it died, BadSoundError if the file is none.
        """
        samples = read_wav(question) if isinstance(question, Path | str) else question
        return await self._child.ask(
            samples,
            mode=mode,
            lead_ms=lead_ms,
            hold_extra_ms=hold_extra_ms,
            interrupt_after_ms=interrupt_after_ms,
            timeout_s=timeout_s,
            voiced_samples=voiced_samples,
        )

    def join_setup(self, phones: int = 1) -> None:
        """Let phones join the toy's own access point; 0 lets them leave."""
        self._wifi.phones = phones
        self._board.change_world(wifi=self._wifi.as_world())

    @property
    def saved_settings(self) -> str | None:
        """The text of settings.json on the toy's flash; None when there is none."""
        path = self._folder / "flash" / "settings.json"
        return path.read_text() if path.exists() else None

    # What can be seen and heard

    @property
    def look(self) -> str:
        """What the light says now: a value of device.light.Look, or "off"."""
        return self._senses.look

    @property
    def led(self) -> Colour:
        """The colour of the light now."""
        return self._senses.led

    @property
    def events(self) -> collections.deque[Event]:
        """What has happened, oldest first: light, paw, wifi, microphone, speaker, booted, ..."""
        return self._senses.events

    @property
    def console(self) -> collections.deque[str]:
        """The last lines the firmware printed."""
        return self._senses.console

    @property
    def speaker(self) -> SpeakerRecording:
        """What the speaker has played in the last minutes."""
        return self._senses.speaker

    @property
    def boots(self) -> int:
        """How often the firmware has started."""
        return self._senses.boots

    @property
    def microphone_open(self) -> bool:
        """Whether the microphone's clock runs."""
        return self._senses.microphone_open

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float = 30) -> bool:
        """Wait until `condition()`, which is asked after each event; False after `timeout_s`."""
        return await self._senses.wait(condition, timeout_s)

    async def wait_for_look(self, *looks: str, timeout_s: float = 30) -> None:
        """Wait until the light shows one of `looks`; ToyTimeoutError if it does not in time."""
        if not await self._senses.wait(lambda: self.look in looks, timeout_s):
            raise ToyTimeoutError(
                f"The light did not show {' or '.join(looks)} within {timeout_s:.0f} s; "
                f"it shows {self.look}."
            )

    async def wait_until_ready(self, timeout_s: float = 30) -> None:
        """Wait until the toy is connected, welcome and waiting for a squeeze.

        ToyTimeoutError says what its light shows instead, and what that may come from.
        """
        if not await self._senses.wait(lambda: self.look == Look.IDLE, timeout_s):
            raise ToyTimeoutError(
                f"The toy was not ready after {timeout_s:.0f} s; its light shows {self.look}. "
                + NOT_READY.get(self.look, "")
            )

    # What the air does

    def lose_wifi(self, *, silently: bool = False) -> None:
        """Take the Wi-Fi away: nothing passes any more. `silently`: the radio does not notice."""
        self._senses.note("wifi", "taken away")
        self.air.block()
        self._wifi.present = silently
        self._board.change_world(wifi=self._wifi.as_world())

    def restore_wifi(self) -> None:
        """Give the Wi-Fi back."""
        self._senses.note("wifi", "given back")
        self._wifi.present = True
        self._board.change_world(wifi=self._wifi.as_world())
        self.air.unblock()

    def set_rssi(self, dbm: int) -> None:
        """Move the toy nearer to the router or away; below -90 dBm it is out of reach."""
        self._wifi.set_rssi(dbm)
        self._board.change_world(wifi=self._wifi.as_world())

    def cut_connections(self) -> None:
        """Reset the toy's connections, as a restarting router does."""
        self.air.cut()

    def change_address(self) -> None:
        """Give the toy a new address: what it had open is dead without a word, new links work."""
        self.air.drop()
        self._board.change_world(wifi=self._wifi.change_address())
