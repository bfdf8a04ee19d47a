"""The commands of `python -m relay` and their options. Each names the function that runs it.

`run` is "module.function" in relay.commands, imported when it is chosen: `--help` and a mistyped
command need not wait for the engines' libraries.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from relay.settings_file import DEFAULT_FILE, FILE_VARIABLE

_DESCRIPTION = "Bramble's relay: listens, checks, thinks and speaks for the toys of one home."
_SETTINGS_HELP = (
    f"settings come from --config FILE, else ${FILE_VARIABLE}, else {DEFAULT_FILE} in this folder; "
    "environment variables such as BRAMBLE_LISTEN__PORT go before it"
)
_MOST = 100_000
_TOY_NAME = "what the family calls it"

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class _CommandLine:
    """The parser in the making, with the options that every command shares."""

    def __init__(self) -> None:
        # SUPPRESS: the option works before and after the command, and its absence after it does
        # not undo what stood before it.
        self._common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
        self._common.add_argument(
            "--config", type=Path, metavar="FILE", help="TOML file with settings"
        )
        self.machine = argparse.ArgumentParser(add_help=False)
        self.machine.add_argument("--json", action="store_true", help="print JSON, for programs")
        self.parser = argparse.ArgumentParser(
            prog="python -m relay",
            description=_DESCRIPTION,
            epilog=_SETTINGS_HELP,
            parents=[self._common],
        )
        self.parser.set_defaults(run="serve.serve")
        self.commands = self.parser.add_subparsers(title="commands", metavar="COMMAND")

    def group(self, name: str, words: str) -> _Commands:
        """Add a command that has commands of its own."""
        made = self.commands.add_parser(name, help=words, description=words)
        return made.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(
        self,
        name: str,
        run: str,
        words: str,
        *more: argparse.ArgumentParser,
        to: _Commands | None = None,
        aliases: tuple[str, ...] = (),
    ) -> argparse.ArgumentParser:
        """Add a command that runs relay.commands.`run`."""
        made = (to or self.commands).add_parser(
            name,
            aliases=aliases,
            help=words,
            description=words,
            epilog=_SETTINGS_HELP,
            parents=[self._common, *more],
        )
        made.set_defaults(run=run)
        return made


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    line = _CommandLine()
    line.command("serve", "serve.serve", "run the relay (what happens without a command)")
    line.command(
        "check", "house.check", "try everything the relay needs", line.machine, aliases=("doctor",)
    )
    line.command("health", "house.health", "tell whether it is running: exit code 0 or 1")
    _add_toys(line)
    _add_parents(line)
    _add_update(line)
    told = line.command("alerts", "toys.alerts", "what a parent should know of", line.machine)
    told.add_argument("--limit", type=_count, default=50, help="at most so many (default 50)")
    _add_house(line)
    _add_backup(line)
    return line.parser


def _add_toys(line: _CommandLine) -> None:
    toys = line.group("toy", "pair, list, change and remove toys")
    paired = line.command(
        "pair", "pair.pair", "show a code that lets a new toy in", line.machine, to=toys
    )
    added = line.command(
        "add", "toys.add", "add a toy without a code: print its token", line.machine, to=toys
    )
    for each in (paired, added):
        each.add_argument("name", help=_TOY_NAME)
        each.add_argument("--age", type=int, required=True, help="age of the child, 3 to 13")
    paired.add_argument("--no-wait", action="store_true", help="show the code, and do not watch")
    listed = line.command("list", "toys.show", "list the toys", line.machine, to=toys)
    listed.add_argument("--all", action="store_true", help="removed ones too")
    removed = line.command("remove", "toys.remove", "take a toy's token away for good", to=toys)
    removed.add_argument("name", help=_TOY_NAME)
    aged = line.command("age", "toys.age", "set the age of a toy's child", to=toys)
    aged.add_argument("name", help=_TOY_NAME)
    aged.add_argument("age", type=int, help="age of the child, 3 to 13")


def _add_parents(line: _CommandLine) -> None:
    parents = line.group("parent", "links for parents' accounts on their page")
    linked = line.command("link", "parent.link", "print a link that makes an account", to=parents)
    linked.add_argument("--household", metavar="NAME", help="of a new family, and not this home's")
    line.command("list", "parent.show", "list who has an account", line.machine, to=parents)
    anew = line.command(
        "reset", "parent.reset", "print a link that sets a new password", to=parents
    )
    anew.add_argument("name", help="what the parent logs in as")


def _add_update(line: _CommandLine) -> None:
    updated = line.command("update", "update.update", "give toys the firmware here", line.machine)
    updated.add_argument("name", nargs="?", help=f"{_TOY_NAME} (default: every toy)")
    updated.add_argument(
        "--again", action="store_true", help="also a version that the toy has, or an older one"
    )
    updated.add_argument("--cancel", action="store_true", help="take back what was asked for")
    updated.add_argument("--no-wait", action="store_true", help="ask for it, and do not watch")
    updated.add_argument(
        "--timeout", type=_count, default=900, metavar="S", help="watch so long (default 900)"
    )


def _add_house(line: _CommandLine) -> None:
    shown = line.command("settings", "house.settings", "print the settings in force", line.machine)
    shown.add_argument("--example", action="store_true", help="print a commented TOML file instead")
    shown.add_argument(
        "--markdown", action="store_true", help="print a table of all settings instead"
    )
    made = line.command("certificate", "house.certificate", "show who this relay is (TLS)")
    made.add_argument(
        "--replace", action="store_true", help="a new identity: every toy must be paired anew"
    )
    installed = line.command(
        "install", "install.install", "run it as a service of this user (systemd)"
    )
    installed.add_argument("--dry-run", action="store_true", help="print the unit, write nothing")
    line.command("uninstall", "install.uninstall", "remove the service; the data stays")


def _add_backup(line: _CommandLine) -> None:
    saved = line.command("backup", "backup.make", "write all data into one file")
    saved.add_argument("file", nargs="?", type=Path, help="default: bramble-DATE.backup, here")
    saved.add_argument("--encrypt", action="store_true", help="ask for a passphrase that opens it")
    restored = line.command("restore", "backup.bring_back", "go back to a backup")
    restored.add_argument("file", type=Path, help="what `backup` wrote")
    for each in (saved, restored):
        each.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help="take the passphrase from FILE"
        )


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _MOST:
        raise argparse.ArgumentTypeError(f"must be from 1 to {_MOST}")
    return number
