"""The steps of setting up: make the environment, install the language engine, packages, models.

Standard library alone: this runs before anything is installed. See tools/setup.py.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tools.watch import LOG, ROOT, CommandFailed, watch, works

VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
PYPROJECT = ROOT / "pyproject.toml"
MODELS = Path(os.environ.get("BRAMBLE_MODELS_DIR") or ROOT / "models")

# What the project's own builds of llama-cpp-python for plain CPUs are published at. It is asked
# before a compiler is: a wheel takes seconds, the build minutes.
LLAMA_WHEELS = "https://abetlen.github.io/llama-cpp-python/whl/cpu"
LLAMA_BUILD_CORE_MINUTES = 14  # measured: 7 minutes on 2 cores


class SetupError(Exception):
    """Set-up cannot go on; the message says in plain words what to do."""


def python_key() -> str:
    """Return what an environment depends on: version and machine of this Python."""
    return f"{sys.version_info.major}.{sys.version_info.minor} {platform.machine()}"


def make_environment() -> None:
    """Make `.venv` with pip in it, or keep one that is whole."""
    if works([str(VENV_PYTHON), "-m", "pip", "--version"]):
        version = "import sys, platform; print('%d.%d' % sys.version_info[:2], platform.machine())"
        command = [str(VENV_PYTHON), "-c", version]
        found = subprocess.run(command, check=False, capture_output=True, text=True)
        if found.stdout.strip() == python_key():
            return
    if VENV.exists():
        print("    the one that is there is broken or of another Python; making it anew")
        shutil.rmtree(VENV)
    ways = [[sys.executable, "-m", "venv", str(VENV)]]
    ways += [[tool, *words, str(VENV)] for tool, words in
             (("virtualenv", ["-p", sys.executable]),
              ("uv", ["venv", "-q", "--seed", "-p", sys.executable]))
             if shutil.which(tool)]  # fmt: skip
    for way in ways:
        if works(way) and works([str(VENV_PYTHON), "-m", "pip", "--version"]):
            return
        shutil.rmtree(VENV, ignore_errors=True)
    raise SetupError(
        "this Python cannot make a virtual environment with pip. On Debian or Ubuntu: "
        f"apt install python3-venv (or python3.{sys.version_info.minor}-venv); then run make again"
    )


def install_llama() -> None:
    """Install llama-cpp-python: a ready wheel where one can be had, else a build from source."""
    requirement = llama_requirement()
    if works([str(VENV_PYTHON), "-c", "import llama_cpp"]) and llama_version_fits(requirement):
        return
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--retries", "1", "--timeout", "20"]
    ready = ["--no-deps", "--only-binary", ":all:", requirement]
    sources: list[list[str]] = [[]]
    if reachable(f"{LLAMA_WHEELS}/llama-cpp-python/"):
        sources.append(["--index-url", LLAMA_WHEELS])
    for source in sources:
        with contextlib.suppress(CommandFailed):
            watch([*pip, *source, *ready], "looking for a ready-made wheel")
            # Its dependencies come along here: without them the import would prove nothing.
            watch([*pip, requirement], "what it needs")
            if works([str(VENV_PYTHON), "-c", "import llama_cpp"]):
                return
            print("    the ready-made wheel does not run on this computer")
            works([str(VENV_PYTHON), "-m", "pip", "uninstall", "-y", "-q", "llama-cpp-python"])
    build_llama(requirement)


def build_llama(requirement: str) -> None:
    """Compile llama-cpp-python; pip keeps the result in its cache for the next environment."""
    compilers = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    if not any(name and shutil.which(name) for name in compilers):
        raise SetupError(
            "no ready-made wheel of llama-cpp-python could be reached, and there is no C++ "
            "compiler to build it with. On Debian or Ubuntu: apt install build-essential"
        )
    jobs = int(os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", os.cpu_count() or 1))
    minutes = max(1, round(LLAMA_BUILD_CORE_MINUTES / jobs))
    print(f"    no ready-made wheel; compiling it, about {minutes} minutes on {jobs} cores,")
    print(f"    unless pip still has it from an earlier time. Details: {LOG}", flush=True)
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--verbose", requirement]
    watch(command, "compiling", {"CMAKE_BUILD_PARALLEL_LEVEL": str(jobs)})


def install_packages(extras: list[str]) -> None:
    """Install the checkout in place, with what pyproject.toml asks for."""
    command = [
        str(VENV_PYTHON),
        "-m",
        "pip",
        "install",
        "--editable",
        f"{ROOT}[{','.join(extras)}]",
    ]
    watch(command, "packages")


def get_models(models: list[str]) -> None:
    """Fetch the models; tools.models resumes, checks hashes and shows its own progress."""
    wanted = [["--starter"], *([models] if models else [])]
    for words in wanted:
        command = [str(VENV_PYTHON), "-m", "tools.models", "get", *words]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise SetupError("a model could not be had; the lines above say which and why")


def llama_requirement() -> str:
    """Return the pinned requirement of llama-cpp-python in pyproject.toml."""
    found = re.search(r'"(llama-cpp-python\s*==[^"]+)"', PYPROJECT.read_text())
    if found is None:
        raise SetupError("pyproject.toml pins no llama-cpp-python; restore it from git")
    return found.group(1)


def llama_version_fits(requirement: str) -> bool:
    """Tell whether the installed llama-cpp-python is the version that is asked for."""
    version = requirement.partition("==")[2].strip()
    check = "import sys, importlib.metadata as m; sys.exit(m.version(sys.argv[1]) != sys.argv[2])"
    return works([str(VENV_PYTHON), "-c", check, "llama-cpp-python", version])


def reachable(url: str) -> bool:
    """Tell whether a web address answers within a few seconds."""
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the constant above
    try:
        with urllib.request.urlopen(request, timeout=4) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
