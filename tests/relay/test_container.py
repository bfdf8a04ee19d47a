"""The container's recipe: what it copies is enough to run, and nothing private is among it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "Dockerfile").read_text()
FINAL = RECIPE[RECIPE.rindex("\nFROM ") :]


def copied():
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", FINAL, re.MULTILINE)
    return [name for line in lines for name in line.split()]


def test_what_is_copied_is_enough_to_run(tmp_path):
    for name in copied():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", "import relay.app, tools.models.__main__; print(relay.__file__)"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "relay" / "__init__.py")


def test_everything_that_is_copied_may_leave_the_folder_and_nothing_else():
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed[1] == "*"
    let_in = {line[1:].removesuffix("/**") for line in allowed if line.startswith("!")}
    assert set(copied()) == let_in
    assert not let_in & {"models", "relay.toml", "out", ".venv", ".git", "tests"}


def test_it_does_not_run_as_root():
    assert "USER bramble" in FINAL
    assert FINAL.index("USER bramble") < FINAL.index('CMD ["python", "-m", "relay"]')
