"""Where every kilobyte of the toy's Python heap goes, at the worst moment of a conversation.

The firmware's .mpy files are loaded by MicroPython's WebAssembly build, whose objects have the
sizes they have on the ESP32, and hold a conversation over wss:// with a scripted relay: a network
that stalls while the child talks, a reply that comes faster than it is played, a lost connection.
After each stage garbage is collected and the bytes in use are read.

Not in the Python heap, and listed apart: native code (executable RAM), I2S's DMA memory, Wi-Fi, and
TLS, whose buffers come from ESP-IDF. Not measured by any of this: a real board.
"""

import argparse
import ast
import base64
import json
import tempfile
from pathlib import Path

from rich.console import Console

from relay.update.compiler import folded_texts, module_name
from tools.bench import heap_ledger, romfs, wasm
from tools.bench.report import print_table, write_json
from tools.bench.websocket import BenchError

# What a classic ESP32 was seen to have for Python in all, before Wi-Fi (MicroPython #8940).
PYTHON_BYTES = 112_000
GOAL_SHARE = 0.8
CONVERSATION = ("stalls", "thinking", "full", "idle")  # how the names of its stages end
RESIDENT_GOAL = 48 * 1024
ALL_GOAL = 90 * 1024
# What app and toy import at once, and what opening a connection needs.
ENTRIES = ("device.app", "device.settings", "device.toy", "device.websocket.client")
LARGE_BYTES = 256  # a buffer that gets a line of its own
CERTIFICATE_BYTES = 450  # of a P-256 certificate with two names, as the relay makes it

# asyncio.stream, frozen in the ESP32's firmware but absent from this build: weighed on the 64-bit
# unix port (1888), halved.
ASYNCIO_STREAM_BYTES = 950
# The module ssl (1088, halved), SSLContext (3136) and SSLSocket (544) weighed there as well; they
# hold structures of mbedTLS and were not halved: rather too much.
TLS_OBJECT_BYTES = 4200

# Not Python's: what, bytes.
IDF_BYTES = (
    ("Wi-Fi driver, once active (MicroPython #8940)", 28_000),
    ("lwIP, one connection", 7_000),
    ("TLS, records in and out", 16_384 + 4_096),
    ("TLS, during the handshake only", 15_000),
    ("I2S DMA, microphone and speaker (their ibuf)", 16_384 + 4_096),
)


def module_texts() -> dict[str, str]:
    """Return the text of each of the firmware's modules, as it is compiled for a toy."""
    return {module_name(path): text for path, text in folded_texts().items()}


def module_files() -> dict[str, str]:
    """Return the path of each of the firmware's modules, like "device/ui.py"."""
    return {module_name(path): path for path in folded_texts()}


def imported_at_top(text: str, known: dict[str, str]) -> list[str]:
    """Return which of the `known` modules a text imports when it is loaded, in order."""
    names: list[str] = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names += [name for name in inside if name in known] or [node.module]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name for name in names if name in known]


def import_order(entries: tuple[str, ...] = ENTRIES) -> list[str]:
    """Return what `entries` need, each module after everything that it imports itself.

    So that what is in use grows, with each import, by that module alone.
    """
    known = module_texts()
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in order or name in above:
            return
        package = name.rpartition(".")[0]
        needed = [package] if package else []
        for other in needed + imported_at_top(known[name], known):
            visit(other, (*above, name))
        order.append(name)

    for entry in entries:
        visit(entry, ())
    return order


def settings() -> str:
    """Return the settings.json of a toy with five networks and wss://."""
    networks = [{"ssid": f"a neighbour {n}", "password": "p" * 20} for n in range(4)]
    return json.dumps(
        {
            "networks": [{"ssid": "home", "password": "correct horse"}, *networks],
            "relay": "wss://192.168.1.10:8765/toy",
            "token": "t" * 48,
            "age": 7,
            "volume": 60,
            "volume_ceiling": 80,
            "relay_certificate": base64.b64encode(bytes(CERTIFICATE_BYTES)).decode(),
        }
    )


def measure() -> tuple[heap_ledger.Ledger, dict[str, int], int | str]:
    """Hold the conversation; return what was measured, and the bytes of each .mpy.

    The third is the bytes that ROMFS would save, or why they could not be measured.
    """
    interpreter = wasm.get_interpreter()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        sizes = wasm.compile_flash(work / "flash")
        wasm.compile_board(work / "board")
        order = import_order()
        plan = {"modules": order, "settings": settings()}
        ledger = heap_ledger.read(wasm.converse(interpreter, work, plan))
        try:
            return ledger, sizes, romfs.saved_bytes(work, order)
        except BenchError as error:
            return ledger, sizes, str(error)


def resident_bytes(modules: tuple[str, ...], sizes: dict[str, int]) -> int:
    """Return the bytes of the .mpy files of these modules, and of main.py, which never returns."""
    files = module_files()
    return sizes["main.py"] + sum(sizes[files[name]] for name in modules if name in files)


def describe(ledger: heap_ledger.Ledger, sizes: dict[str, int]) -> list[dict[str, object]]:
    """Return a row for everything in the heap at the worst moment."""
    worst = ledger.worst
    rows: list[dict[str, object]] = []
    files = module_files()

    def add(kind: str, what: str, heap_bytes: int, mpy_bytes: int | None = None) -> None:
        rows.append({"kind": kind, "what": what, "heap_bytes": heap_bytes, "mpy_bytes": mpy_bytes})

    known_modules = {item.name for item in ledger.loaded}
    for item in sorted(ledger.loaded, key=lambda item: -item.heap_bytes):
        if item.name in worst.modules:
            add("module", item.name, item.heap_bytes, sizes[files[item.name]])
        elif item.name not in files:
            add("MicroPython", item.name, item.heap_bytes)
    later = [name for name in worst.modules if name in files and name not in known_modules]
    for name in later:
        add("module", f"{name} (in objects below)", 0, sizes[files[name]])
    pool_bytes = heap_ledger.pools(ledger.names)
    add("names", f"pools of {ledger.names} interned names, reckoned", pool_bytes)
    for path, size in sorted(ledger.buffers.items(), key=lambda item: -item[1]):
        if size >= LARGE_BYTES:
            add("buffer", path, size)
    known = sum(int(str(row["heap_bytes"])) for row in rows)
    add("objects", "settings, tasks, small objects", worst.heap_bytes - known)
    add("MicroPython", "asyncio.stream, reckoned", ASYNCIO_STREAM_BYTES)
    add("MicroPython", "TLS objects, reckoned", TLS_OBJECT_BYTES)
    return rows


def make_figures(ledger: heap_ledger.Ledger, sizes: dict[str, int]) -> dict[str, float]:
    """Return the bench's figures."""
    peak = ledger.worst.heap_bytes + ASYNCIO_STREAM_BYTES + TLS_OBJECT_BYTES
    return {
        "heap_bytes_peak": peak,
        "heap_share_of_112000": round(peak / PYTHON_BYTES, 3),
        "mpy_bytes_resident": max(
            resident_bytes(stage.modules, sizes)
            for stage in ledger.stages
            if stage.name.split()[-1] in CONVERSATION
        ),
        "mpy_bytes_all": sum(sizes.values()),
        "interned_names": ledger.names,
        "growth_bytes_second_turn": last_of(ledger, "second turn: idle") - last_of(ledger, "idle"),
    }


def last_of(ledger: heap_ledger.Ledger, name: str) -> int:
    """Return the bytes in use at the stage of that name."""
    return next(stage.heap_bytes for stage in ledger.stages if stage.name == name)


def print_verdict(figures: dict[str, float], console: Console) -> None:
    """Print the figures against their goals."""
    for name, goal in (
        ("heap_bytes_peak", int(GOAL_SHARE * PYTHON_BYTES)),
        ("mpy_bytes_resident", RESIDENT_GOAL),
        ("mpy_bytes_all", ALL_GOAL),
    ):
        verdict = "met" if figures[name] <= goal else f"over by {figures[name] - goal:.0f}"
        console.print(f"{name:<20} {figures[name]:>8.0f}  goal {goal:>6}  {verdict}")
    console.print(
        f"{'share':<20} {figures['heap_share_of_112000']:>8.1%}  of {PYTHON_BYTES} bytes, what a "
        "classic ESP32 has for Python before Wi-Fi"
    )


def main(argv: list[str]) -> int:
    """Measure, print where everything goes; return 0, or 2 if it could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench heap", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    arguments = parser.parse_args(argv)
    console = Console()
    try:
        with console.status("The toy holds a conversation; about half a minute"):
            ledger, sizes, saved = measure()
    except BenchError as error:
        Console(stderr=True).print(str(error), markup=False)
        return 2
    rows = describe(ledger, sizes)
    print_table(f"The Python heap while {ledger.worst.name}", rows, console)
    stages: list[dict[str, object]] = [
        {
            "stage": stage.name,
            "heap_bytes": stage.heap_bytes + ASYNCIO_STREAM_BYTES + TLS_OBJECT_BYTES,
            "mpy_bytes": resident_bytes(stage.modules, sizes),
        }
        for stage in ledger.stages
    ]
    print_table("Each moment, garbage collected", stages, console)
    apart: list[dict[str, object]] = [{"what": what, "bytes": size} for what, size in IDF_BYTES]
    apart.append({"what": f"native code of {wasm.NATIVE} (its .mpy)", "bytes": sizes[wasm.NATIVE]})
    print_table("Not in the Python heap: ESP-IDF's, known figures, not measured", apart, console)
    figures = make_figures(ledger, sizes)
    print_verdict(figures, console)
    if isinstance(saved, int):
        figures["romfs_saves_bytes"] = saved
        left = figures["heap_bytes_peak"] - saved
        console.print(
            f"Run in place from ROMFS, the same modules would take {saved} bytes less (measured on "
            f"64 bits): {left:.0f} at the worst moment, {left / PYTHON_BYTES:.1%}."
        )
    else:
        console.print(f"What ROMFS would save was not measured: {saved}", markup=False)
    if arguments.json:
        write_json(arguments.json, bench="heap", figures=figures, rows=rows + stages, runs=1)
    return 0
