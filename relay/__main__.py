"""The relay's command line: `python -m relay [COMMAND]`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from relay.command_line import make_parser
from relay.errors import ConfigError, RelayError
from relay.settings_file import load_settings


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


if __name__ == "__main__":
    sys.exit(main())
