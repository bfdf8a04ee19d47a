"""`python -m tools.flash`: make a toy out of a board on USB."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console as Screen
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from device.boards import BOARDS
from device.protocol import OLDEST_AGE, YOUNGEST_AGE
from tools.check_device import ARCHITECTURE, CheckError
from tools.flash.bundle import make_bundle
from tools.flash.chip import BootLoader, check_chip
from tools.flash.console import REOPEN_TIMEOUT_S, Console
from tools.flash.errors import FlashError, SettingsError
from tools.flash.hello import TIMEOUT_S, wait_for_hello
from tools.flash.image import get_image, given_image
from tools.flash.ports import check_port, find_port
from tools.flash.settings import Asker, Fields, Wanted, collect, reaches_only_this_computer

CACHE = Path("out/flash")
TOKEN_VARIABLE = "BRAMBLE_TOKEN"  # noqa: S105 - its name
PASSWORD_VARIABLE = "BRAMBLE_WIFI_PASSWORD"  # noqa: S105 - its name
SHOW_KEY = "from device.portal import key\nkey.show()"
DEFAULT_BOARDS = {"esp32": "esp32-devkit", "esp32s3": "esp32s3-devkit"}

screen = Screen(highlight=False)


def main(argv: list[str] | None = None) -> int:
    """Flash; return 0 when the toy has said hello (or is ready to be set up), else 1."""
    arguments = parser().parse_args(argv)
    try:
        flash(arguments)
    except (FlashError, CheckError) as error:
        screen.print(f"\n{error}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        screen.print("\nStopped. Run it again to start over; the board takes no harm from that.")
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m tools.flash",
        description="Write MicroPython, the firmware and the settings on a board, and wait for the "
        "toy's hello. ALL that is on the board is erased, unless --keep-micropython is given.",
        epilog=f"{PASSWORD_VARIABLE} and {TOKEN_VARIABLE} in the environment are the Wi-Fi's "
        "password and the toy's token; what is missing is asked for.",
    )
    add = made.add_argument
    add("--port", help="serial port of the board (default: the only one that looks like it)")
    add("--board", choices=sorted(BOARDS), help="(default: the dev kit of the chip found)")
    add("--image", type=Path, metavar="FILE", help="MicroPython as .bin (default: downloaded)")
    add("--keep-micropython", action="store_true", help="bring only firmware and settings")
    settings = made.add_argument_group("settings of the toy")
    add = settings.add_argument
    add("--wifi", metavar="NAME", help="of your 2.4 GHz Wi-Fi")
    add("--age", type=int, metavar="N", help=f"of the child, {YOUNGEST_AGE} to {OLDEST_AGE}")
    add("--code", help="pairing code of the relay: the toy gets its token by itself, over TLS")
    add("--pair", metavar="NAME", help="add the toy to the relay on this computer: makes a token")
    add(
        "--relay",
        metavar="URL",
        help="like wss://192.168.1.10:8765/toy; not needed with --code",
    )
    add("--token", help=f"the toy's (better: {TOKEN_VARIABLE}; others can read a command line)")
    add("--certificate", type=Path, metavar="FILE", help="the relay's, for wss://")
    add("--volume", type=int, metavar="PERCENT", help="to begin with (default 60)")
    add("--volume-ceiling", type=int, metavar="PERCENT", help="never louder (default 100)")
    add("--keep-settings", action="store_true", help="leave settings.json on the board alone")
    add("--no-settings", action="store_true", help="write none; they are made by phone later")
    add("--no-wait", action="store_true", help="do not wait for the hello")
    add("--timeout", type=float, default=TIMEOUT_S, metavar="S", help="for the hello (default 60)")
    return made


def flash(arguments: argparse.Namespace) -> None:
    """Do every step; FlashError says which could not be done, and what to do."""
    if arguments.keep_settings and not arguments.keep_micropython:
        raise SettingsError(
            "--keep-settings needs --keep-micropython: writing MicroPython erases the settings"
        )
    port = find_port(arguments.port)
    check_port(port)
    screen.print(f"Board on {port}", markup=False)
    if arguments.keep_micropython:
        with Console(port) as console:
            console.interrupt()
            chip, architecture = console.machine()
    else:
        boot_loader = BootLoader(port, _dim)
        chip, architecture = boot_loader.chip(), ARCHITECTURE
    board = arguments.board or board_of(chip)
    check_chip(chip, BOARDS[board].chip, board)
    # Everything that can fail or has to be asked comes before anything is erased.
    settings = wanted_settings(arguments, board)
    with tempfile.TemporaryDirectory(prefix="bramble-flash-") as folder:
        files = make_bundle(Path(folder), architecture)
        if not arguments.keep_micropython:
            image = arguments.image
            image = given_image(image) if image else get_image(chip, CACHE, _dim)
            screen.print(f"Writing MicroPython ({image.name}); takes a minute", markup=False)
            boot_loader.erase()
            boot_loader.write(chip, image)
        with Console(port, patience_s=REOPEN_TIMEOUT_S) as console:
            install(console, Path(folder), files, settings)
            start(console, arguments, has_settings=not arguments.no_settings)


def board_of(chip: str) -> str:
    """Return the board that is taken for granted with `chip`; FlashError if none has it."""
    if chip not in DEFAULT_BOARDS:
        check_chip(chip, "esp32", "esp32-devkit")
    return DEFAULT_BOARDS[chip]


def wanted_settings(arguments: argparse.Namespace, board: str) -> Fields | None:
    """Return the settings to write, or None where none are to be written."""
    if arguments.keep_settings or arguments.no_settings:
        return None
    more = {"volume": arguments.volume, "volume_ceiling": arguments.volume_ceiling}
    wanted = Wanted(
        ssid=arguments.wifi,
        password=os.environ.get(PASSWORD_VARIABLE),
        relay=arguments.relay,
        token=arguments.token or os.environ.get(TOKEN_VARIABLE),
        age=arguments.age,
        certificate=arguments.certificate,
        pair=arguments.pair,
        code=arguments.code,
        fields={name: value for name, value in more.items() if value is not None},
    )
    fields = collect(wanted, board, Asker(interactive=sys.stdin.isatty()))
    if reaches_only_this_computer(fields):
        _warn(
            f"Note: {fields['relay']} means this computer only to itself. A toy needs its address "
            "in your network, and the relay has to listen there."
        )
    return fields


def install(console: Console, folder: Path, files: list[Path], settings: Fields | None) -> None:
    """Copy the firmware and, where there are some, the settings."""
    # main.py comes last, and the settings before it: what is not whole never starts.
    *first, last = files
    console.take_over()
    with Progress(
        TextColumn("Copying {task.description:36}"), BarColumn(), TimeElapsedColumn(),
        console=screen,
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=len(files))
        copied = _counter(progress, task)
        console.copy(folder, first, copied)
        if settings is not None:
            console.write("settings.json", json.dumps(settings).encode())
        key = console.run(SHOW_KEY)
        console.write(last.as_posix(), (folder / last).read_bytes())
        copied(last, True)
    screen.print("Keep this for setting it up by phone; paw held for 5 s, see docs/setup.md:")
    for line in key.splitlines():
        screen.print(f"  {line}", markup=False)


def start(console: Console, arguments: argparse.Namespace, *, has_settings: bool) -> None:
    """Restart the board and wait for the toy's hello."""
    console.restart()
    if arguments.no_wait:
        screen.print("Restarted.")
        return
    if not has_settings:
        screen.print("The toy has no settings yet: join its Wi-Fi, named above. It says:")
        for line in console.lines(min(arguments.timeout, 10)):
            _dim(line)
        return
    screen.print("Waiting for the toy's hello ...")
    wait_for_hello(console.lines(arguments.timeout), _dim)
    screen.print("The toy has said hello and the relay has let it in. Squeeze its paw!",
                 style="green")  # fmt: skip


def _counter(progress: Progress, task: TaskID) -> Callable[[Path, bool], None]:
    def copied(file: Path, sent: bool) -> None:
        note = "" if sent else " (unchanged)"
        progress.update(task, advance=1, description=f"{file}{note}"[-36:])

    return copied


def _dim(line: str) -> None:
    screen.print(f"  {line}", style="dim", markup=False)


def _warn(line: str) -> None:
    screen.print(line, style="yellow", markup=False)


if __name__ == "__main__":
    sys.exit(main())
