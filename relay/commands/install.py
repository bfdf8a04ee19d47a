"""`python -m relay install` and `uninstall`: run the relay as long as this computer is on."""

import argparse
import getpass
import os
import shutil
import subprocess
import sys
from pathlib import Path

from relay.config import Settings
from relay.errors import RelayError
from relay.service_unit import NAME, make_unit
from relay.settings_file import find_settings_file


class InstallError(RelayError):
    """The service cannot be set up; the message says why and what to do."""


def install(arguments: argparse.Namespace, _settings: Settings) -> int:
    """Write the unit of a user's service and start it; repeat it after the folder has moved."""
    unit = _unit(arguments)
    if arguments.dry_run:
        print(unit, end="")
        return 0
    path = _unit_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit, encoding="utf-8")
    except OSError as error:
        raise InstallError(f"{path}: {(error.strerror or '?').lower()}") from error
    print(f"Written: {path}")
    _systemctl("daemon-reload")
    _systemctl("enable", NAME)
    _systemctl("restart", NAME)
    print("The relay runs now, and whenever you are logged in. Its log:")
    print(f"  journalctl --user -u {NAME} -f")
    print("To have it run from the start of the computer on, once, as root:")
    print(f"  loginctl enable-linger {getpass.getuser()}")
    return 0


def uninstall(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Stop the service and remove its unit; the data stays."""
    path = _unit_file()
    if not path.exists():
        print("No service is installed.")
        return 0
    _systemctl("disable", "--now", NAME)
    try:
        path.unlink()
    except OSError as error:
        raise InstallError(f"{path}: {(error.strerror or '?').lower()}") from error
    _systemctl("daemon-reload")
    print(f"The service is removed. The data stays in {settings.data_dir}.")
    return 0


def _unit(arguments: argparse.Namespace) -> str:
    command = [sys.executable, "-m", "relay"]
    file = find_settings_file(getattr(arguments, "config", None))
    if file is not None:
        command += ["--config", str(file.absolute())]
    try:
        return make_unit(Path.cwd(), command)
    except ValueError as error:
        raise InstallError(f"{error}: move the project to a plain folder") from error


def _unit_file() -> Path:
    # The XDG base directory specification: what is not absolute does not count.
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    folder = given if given.is_absolute() else Path.home() / ".config"
    return folder / "systemd" / "user" / NAME


def _systemctl(*arguments: str) -> None:
    program = shutil.which("systemctl")
    if program is None:
        raise InstallError(
            "there is no systemd here: start `python -m relay` by the means of this system "
            "(`install --dry-run` prints what a service has to do)"
        )
    command = [program, "--user", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise InstallError(
            f"`systemctl --user {' '.join(arguments)}` failed: {said[-1] if said else '?'}\n"
            "run it in a session that you have logged in to (not with su or sudo)"
        )
