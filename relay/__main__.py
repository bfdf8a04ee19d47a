"""The relay's command line: `python -m relay [COMMAND]`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from relay.errors import ConfigError, RelayError
from relay.settings_file import DEFAULT_FILE, FILE_VARIABLE, load_settings

_DESCRIPTION = "Bramble's relay: listens, checks, thinks and speaks for the toys of one home."
_SETTINGS_HELP = (
    f"settings come from --config FILE, else ${FILE_VARIABLE}, else {DEFAULT_FILE} in this folder; "
    "environment variables such as BRAMBLE_LISTEN__PORT go before it"
)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    # SUPPRESS: the option works before and after the command, and its absence after it does not
    # undo what stood before it.
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings")
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON, for programs")

    parser = argparse.ArgumentParser(
        prog="python -m relay", description=_DESCRIPTION, epilog=_SETTINGS_HELP, parents=[common]
    )
    parser.set_defaults(run="serve.serve")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(
        to: "argparse._SubParsersAction[argparse.ArgumentParser]",
        name: str,
        run: str,
        words: str,
        *more: argparse.ArgumentParser,
    ) -> argparse.ArgumentParser:
        made = to.add_parser(
            name, help=words, description=words, epilog=_SETTINGS_HELP, parents=[common, *more]
        )
        made.set_defaults(run=run)
        return made

    command(commands, "serve", "serve.serve", "run the relay (what happens without a command)")
    command(commands, "check", "house.check", "try everything the relay needs", machine)

    toy = commands.add_parser("toy", help="add, list, change and remove toys")
    toys = toy.add_subparsers(title="commands", metavar="COMMAND", required=True)
    paired = command(toys, "pair", "pair.pair", "show a code that lets a new toy in", machine)
    paired.add_argument("name", help="what the family calls it")
    paired.add_argument("--age", type=int, required=True, help="age of the child, 3 to 13")
    paired.add_argument("--no-wait", action="store_true", help="show the code, and do not watch")
    added = command(toys, "add", "toys.add", "add a toy without a code: print its token", machine)
    added.add_argument("name", help="what the family calls it")
    added.add_argument("--age", type=int, required=True, help="age of the child, 3 to 13")
    listed = command(toys, "list", "toys.show", "list the toys", machine)
    listed.add_argument("--all", action="store_true", help="removed ones too")
    removed = command(toys, "remove", "toys.remove", "take a toy's token away for good")
    removed.add_argument("name", help="what the family calls it")
    aged = command(toys, "age", "toys.age", "set the age of a toy's child")
    aged.add_argument("name", help="what the family calls it")
    aged.add_argument("age", type=int, help="age of the child, 3 to 13")

    parent = commands.add_parser("parent", help="links for parents' accounts on their page")
    parents = parent.add_subparsers(title="commands", metavar="COMMAND", required=True)
    linked = command(parents, "link", "parent.link", "print a link that makes an account")
    linked.add_argument("--household", metavar="NAME", help="of a new family, and not this home's")
    command(parents, "list", "parent.show", "list who has an account", machine)
    anew = command(parents, "reset", "parent.reset", "print a link that sets a new password")
    anew.add_argument("name", help="what the parent logs in as")

    updated = command(commands, "update", "update.update", "give toys the firmware here", machine)
    updated.add_argument("name", nargs="?", help="what the family calls it (default: every toy)")
    updated.add_argument(
        "--again", action="store_true", help="also a version that the toy has, or an older one"
    )
    updated.add_argument("--cancel", action="store_true", help="take back what was asked for")
    updated.add_argument("--no-wait", action="store_true", help="ask for it, and do not watch")
    updated.add_argument(
        "--timeout", type=_count, default=900, metavar="S", help="watch so long (default 900)"
    )

    told = command(commands, "alerts", "toys.alerts", "what a parent should know of", machine)
    told.add_argument("--limit", type=_count, default=50, help="at most so many (default 50)")

    shown = command(commands, "settings", "house.settings", "print the settings in force", machine)
    shown.add_argument("--example", action="store_true", help="print a commented TOML file instead")
    shown.add_argument(
        "--markdown", action="store_true", help="print a table of all settings instead"
    )

    saved = command(commands, "backup", "backup.make", "write all data into one file")
    saved.add_argument("file", nargs="?", type=Path, help="default: bramble-DATE.backup, here")
    saved.add_argument("--encrypt", action="store_true", help="ask for a passphrase that opens it")
    restored = command(commands, "restore", "backup.bring_back", "go back to a backup")
    restored.add_argument("file", type=Path, help="what `backup` wrote")
    for each in (saved, restored):
        each.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help="take the passphrase from FILE"
        )

    made = command(commands, "certificate", "house.certificate", "show who this relay is (TLS)")
    made.add_argument(
        "--replace", action="store_true", help="a new identity: every toy must be paired anew"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0, 1 for what went wrong, 2 for a wrong command."""
    parsed = make_parser().parse_args(arguments)
    try:
        return _run(parsed)
    except RelayError as error:
        print(f"relay: {error}".replace("\n", "\nrelay: "), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `... | head` has read enough; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(parsed: argparse.Namespace) -> int:
    # Imported only now: `--help` and a mistyped command need not wait for the engines' libraries.
    name, _, function = str(parsed.run).partition(".")
    try:
        settings = load_settings(getattr(parsed, "config", None))
    except ConfigError as error:
        if parsed.run != "house.check":
            raise
        # The doctor reports what is wrong with the settings as it reports everything else.
        return int(import_module("relay.commands.house").check_refused_settings(parsed, error))
    return int(getattr(import_module(f"relay.commands.{name}"), function)(parsed, settings))


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError("must be from 1 to 100000")
    return number


if __name__ == "__main__":
    sys.exit(main())
