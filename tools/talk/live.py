"""Talk to the toy with this computer's microphone and loudspeaker; a key is its paw."""

import asyncio
import contextlib
import sys
import termios
import time
import tty
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from relay.audio import SAMPLE_RATE, Samples, pcm_of, samples_of
from tools.talk.home import Home
from tools.talk.show import show_turn
from tools.talk.talk_key import Paw, TalkKey
from tools.talk.timeline import relay_moments
from tools.virtual_toy import VirtualToy

READY_TIMEOUT_S = 30
TICK_S = 0.02
BLOCK_SAMPLES = SAMPLE_RATE // 50  # 20 ms
QUIT_KEYS = "qQ\x03\x04"


class LiveError(Exception):
    """There is no talking live here; the message says what is missing and how to get it."""


async def talk_live(home: Home, token: str, age: int, console: Console) -> int:
    """Talk until a quit key is pressed; return a shell exit code. Raises LiveError."""
    sound = _sounddevice()
    if not sys.stdin.isatty():
        raise LiveError("talking live needs a terminal: its keys are the toy's paw")
    loop = asyncio.get_running_loop()
    speaker: asyncio.Queue[bytes] = asyncio.Queue()

    def played(_at: float, samples: Samples) -> None:
        speaker.put_nowait(pcm_of(samples))

    async with VirtualToy(
        relay_url=home.url,
        token=token,
        age=age,
        relay_certificate=home.certificate,
        on_sound=played,
    ) as toy:
        await toy.wait_until_ready(READY_TIMEOUT_S)

        def heard(block: Any, *_: object) -> None:  # noqa: ANN401 - a cffi buffer
            loop.call_soon_threadsafe(toy.feed, samples_of(bytes(block)))

        form = {"samplerate": SAMPLE_RATE, "channels": 1, "dtype": "int16"}
        try:
            microphone = sound.RawInputStream(blocksize=BLOCK_SAMPLES, callback=heard, **form)
            loudspeaker = sound.RawOutputStream(blocksize=BLOCK_SAMPLES, **form)
        except sound.PortAudioError as error:
            raise LiveError(f"no microphone and loudspeaker could be opened: {error}") from None
        console.print("Hold [bold]space[/] and talk, or tap it to start and again to stop; q ends.")
        with microphone, loudspeaker, _single_keys():
            playing = asyncio.create_task(_play(loudspeaker, speaker))
            try:
                await _converse(home, toy, console)
            finally:
                playing.cancel()
    return 0


def _sounddevice() -> Any:  # noqa: ANN401 - an optional package without types
    try:
        import sounddevice  # noqa: PLC0415 - optional
    except ImportError:
        raise LiveError(
            "talking live needs the package sounddevice: make talk LIVE=1 installs it"
        ) from None
    except OSError:  # the package is there, its library is not
        raise LiveError(
            "talking live needs PortAudio. On Debian or Ubuntu: apt install libportaudio2"
        ) from None
    return sounddevice


async def _play(loudspeaker: Any, speaker: "asyncio.Queue[bytes]") -> None:  # noqa: ANN401
    while True:
        await asyncio.to_thread(loudspeaker.write, await speaker.get())


async def _converse(home: Home, toy: VirtualToy, console: Console) -> None:
    keys: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, lambda: keys.put_nowait(sys.stdin.read(1)))
    paw, shown = TalkKey(), 0
    try:
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                key = await asyncio.wait_for(keys.get(), TICK_S)
                if key in QUIT_KEYS:
                    return
                _move(toy, paw.key(time.monotonic()), console)
            _move(toy, paw.tick(time.monotonic()), console)
            for record in home.records[shown:]:
                show_turn(console, f"{shown + 1}.", record, relay_moments(record))
                shown += 1
    finally:
        loop.remove_reader(sys.stdin)


def _move(toy: VirtualToy, move: Paw | None, console: Console) -> None:
    if move is Paw.PRESS:
        toy.press()
        console.print("listening ...", style="cyan")
    elif move is Paw.RELEASE:
        toy.release()


@contextlib.contextmanager
def _single_keys() -> Iterator[None]:
    """Have the terminal hand over each key at once, without showing it."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
