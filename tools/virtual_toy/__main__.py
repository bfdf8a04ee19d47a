"""`python -m tools.virtual_toy`: ask spoken questions through the firmware and keep the answers."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from device.boards import BOARDS
from device.protocol import OLDEST_AGE, YOUNGEST_AGE, is_allowed_age
from tools.virtual_toy.air import NetworkConditions
from tools.virtual_toy.errors import VirtualToyError
from tools.virtual_toy.reply import Reply
from tools.virtual_toy.report import as_json, describe, totals
from tools.virtual_toy.senses import Event
from tools.virtual_toy.sound import Samples, read_wav, write_wav
from tools.virtual_toy.toy import VirtualToy

TOKEN_VARIABLE = "VIRTUAL_TOY_TOKEN"  # noqa: S105 - its name
BETWEEN_QUESTIONS_S = 0.3

_show = Console(stderr=True, highlight=False)  # standard output is for --json


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return 0 if every question got a spoken answer, else 1."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    token = arguments.token or os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        parser.error(
            f"the toy needs its token: --token T, or {TOKEN_VARIABLE} in the environment. "
            "`python -m relay toy add NAME --age N` prints one"
        )
    if arguments.age is not None and not is_allowed_age(arguments.age):
        _show.print(
            f"Note: {arguments.age} is outside {YOUNGEST_AGE} to {OLDEST_AGE}; "
            "it asks for a grown-up."
        )
    try:
        return asyncio.run(_run(arguments, token))
    except VirtualToyError as error:
        _show.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.virtual_toy",
        description="Run the toy's firmware on a simulated board and talk to it. Without --ask it "
        "stays switched on until Ctrl-C.",
    )
    add = parser.add_argument
    add("--relay", required=True, metavar="URL", help="like ws://127.0.0.1:8765/toy")
    add("--token", help=f"the toy's token (better: {TOKEN_VARIABLE} in the environment)")
    add("--certificate", type=Path, metavar="FILE", help="the relay's, PEM or DER, for wss://")
    add("--ask", action="append", default=[], metavar="WAV", help="a spoken question; repeatable")
    add("--save", type=Path, metavar="WAV", help="the answer as heard; numbered if there are more")
    add("--json", action="store_true", help="print one JSON object with all times")
    add("--events", type=Path, metavar="FILE", help="write everything that happened, as JSON lines")
    add("--verbose", action="store_true", help="show what the firmware prints")
    child = parser.add_argument_group("the child and its toy")
    child.add_argument("--age", type=int, default=7, help="years (default 7)")
    child.add_argument(
        "--mode", choices=("hold", "tap"), default="hold", help="how the paw is used"
    )
    child.add_argument("--hold-extra", type=float, default=200, metavar="MS", help="paw held after")
    child.add_argument(
        "--interrupt-after",
        type=float,
        metavar="MS",
        help="squeeze the paw that long into each answer; the next question follows at once",
    )
    child.add_argument("--volume", type=int, default=100, metavar="PERCENT")
    child.add_argument("--board", choices=sorted(BOARDS), default="esp32-devkit")
    child.add_argument("--heap", default="0", metavar="SIZE", help="of MicroPython, like 160K")
    child.add_argument("--timeout", type=float, default=60, metavar="S", help="for each answer")
    air = parser.add_argument_group("the Wi-Fi")
    air.add_argument("--ssid", default="home")
    air.add_argument("--rssi", type=int, default=-55, metavar="DBM")
    air.add_argument("--latency", type=float, default=0, metavar="MS", help="each way")
    air.add_argument("--jitter", type=float, default=0, metavar="MS", help="at random on top")
    air.add_argument("--bandwidth", type=int, metavar="BYTES", help="a second, each way")
    air.add_argument("--partial-writes", action="store_true", help="tiny buffers and pieces")
    air.add_argument("--lose-wifi-at", type=float, metavar="S", help="after the toy is ready")
    air.add_argument("--lose-wifi-for", type=float, default=5, metavar="S", help="(default 5)")
    return parser


async def _run(arguments: argparse.Namespace, token: str) -> int:
    questions = [(name, read_wav(name)) for name in arguments.ask]
    certificate = _read_certificate(arguments.certificate) if arguments.certificate else None
    events: list[Event] = []
    toy = VirtualToy(
        relay_url=arguments.relay,
        token=token,
        relay_certificate=certificate,
        age=arguments.age,
        volume=arguments.volume,
        ssid=arguments.ssid,
        rssi=arguments.rssi,
        board=arguments.board,
        heap=None if arguments.heap == "0" else arguments.heap,
        network=NetworkConditions(
            latency_ms=arguments.latency,
            jitter_ms=arguments.jitter,
            bytes_per_s=arguments.bandwidth,
            partial_writes=arguments.partial_writes,
        ),
        on_event=events.append if arguments.events else None,
        on_console=_print_line if arguments.verbose else None,
    )
    try:
        async with toy:
            return await _converse(toy, questions, arguments)
    finally:
        if arguments.events:
            lines = [json.dumps(event.__dict__) + "\n" for event in events]
            arguments.events.write_text("".join(lines))


async def _converse(
    toy: VirtualToy, questions: list[tuple[str, Samples]], arguments: argparse.Namespace
) -> int:
    await toy.wait_until_ready(arguments.timeout)
    _show.print("The toy is connected.")
    outage = asyncio.create_task(_lose_wifi(toy, arguments))
    try:
        if not questions:
            _show.print("It stays switched on; Ctrl-C ends it.")
            await asyncio.Event().wait()
        replies: list[tuple[Reply, dict[str, Any]]] = []
        for number, (name, samples) in enumerate(questions):
            reply = await toy.ask(
                samples,
                mode=arguments.mode,
                hold_extra_ms=arguments.hold_extra,
                interrupt_after_ms=arguments.interrupt_after,
                timeout_s=arguments.timeout,
            )
            saved = _save(reply, arguments.save, number, len(questions))
            replies.append((reply, as_json(reply, name, saved)))
            _show.print(describe(reply, name, saved), markup=False)
            if reply.interrupted_at is None:
                await asyncio.sleep(BETWEEN_QUESTIONS_S)
        if arguments.json:
            rows = [row for _, row in replies]
            print(json.dumps({"questions": rows, "totals": totals(replies, toy)}, indent=2))
    finally:
        outage.cancel()
    return 0 if all(reply.answered for reply, _ in replies) else 1


async def _lose_wifi(toy: VirtualToy, arguments: argparse.Namespace) -> None:
    if arguments.lose_wifi_at is None:
        return
    await asyncio.sleep(arguments.lose_wifi_at)
    _show.print("Wi-Fi lost.")
    toy.lose_wifi()
    await asyncio.sleep(arguments.lose_wifi_for)
    _show.print("Wi-Fi back.")
    toy.restore_wifi()


def _save(reply: Reply, path: Path | None, number: int, count: int) -> Path | None:
    if path is None or not len(reply.pcm):
        return None
    if count > 1:
        path = path.with_name(f"{path.stem}-{number + 1}{path.suffix}")
    try:
        write_wav(path, reply.pcm)
    except OSError as error:
        raise VirtualToyError(f"{path}: cannot be written ({error.strerror})") from None
    return path


def _read_certificate(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        if b"-----BEGIN" in content:
            return ssl.PEM_cert_to_DER_cert(content.decode().strip())
    except OSError as error:
        raise VirtualToyError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise VirtualToyError(f"{path}: not one certificate in PEM or DER") from None
    return content


def _print_line(line: str) -> None:
    _show.print("toy| " + line, style="dim", markup=False)


if __name__ == "__main__":
    sys.exit(main())
