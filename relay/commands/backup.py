"""`python -m relay backup` and `restore`."""

import argparse
import getpass
import sys
import time
from pathlib import Path

from relay.backup.errors import BackupError
from relay.backup.passphrase import LEAST_CHARACTERS
from relay.backup.restore import needs_passphrase, restore
from relay.backup.snapshot import back_up
from relay.config import Settings
from relay.settings_file import find_settings_file


def make(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write a backup, also while the relay runs."""
    target = arguments.file or Path(time.strftime("bramble-%Y-%m-%d.backup"))
    passphrase = _new_passphrase(arguments) if _wants_passphrase(arguments) else None
    file = find_settings_file(getattr(arguments, "config", None))
    size = back_up(settings, target, settings_file=file, passphrase=passphrase)
    print(f"{target}: {size / 1e6:.1f} MB, everything but the models.")
    if passphrase is None:
        print("Whoever has this file can read it and pretend to be your relay: keep it safe,")
        print("or make one with --encrypt.")
    else:
        print("Without the passphrase nobody can read it, you included.")
    print("What you erase on the parent's page stays in backups that were made before.")
    return 0


def bring_back(arguments: argparse.Namespace, settings: Settings) -> int:
    """Put a backup in the place of the data."""
    sealed = needs_passphrase(arguments.file)
    passphrase = _passphrase(arguments, "Passphrase of the backup: ") if sealed else None
    done = restore(settings, arguments.file, passphrase=passphrase)
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(done.created))
    print(f"The data is now as it was on {made}.")
    if done.aside is not None:
        print(f"What was there before lies in {done.aside}: remove it when all is well.")
    if done.settings_copy is not None:
        print(f"The settings of that time lie in {done.settings_copy}: compare them with yours.")
    print("Start the relay: python -m relay")
    return 0


def _wants_passphrase(arguments: argparse.Namespace) -> bool:
    return bool(arguments.encrypt or arguments.passphrase_file)


def _new_passphrase(arguments: argparse.Namespace) -> str:
    asked = f"Passphrase for the backup ({LEAST_CHARACTERS} characters or more): "
    passphrase = _passphrase(arguments, asked)
    if arguments.passphrase_file is None and getpass.getpass("Once more: ") != passphrase:
        raise BackupError("the two are not the same: nothing was written")
    return passphrase


def _passphrase(arguments: argparse.Namespace, prompt: str) -> str:
    if arguments.passphrase_file is not None:
        try:
            return str(arguments.passphrase_file.read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as error:
            raise BackupError(f"{arguments.passphrase_file} cannot be read") from error
    if not sys.stdin.isatty():
        raise BackupError("a passphrase is needed: give it with --passphrase-file FILE")
    return getpass.getpass(prompt)
