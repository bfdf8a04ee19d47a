"""`python -m relay.safety`: try a sentence, seal changed data files, print the reviewed replies."""

import argparse
import functools
import sys
from pathlib import Path

from relay.age import AgeBand
from relay.errors import RelayError
from relay.safety import self_test
from relay.safety.data_files import DATA, load_unsealed, read_unsealed, seal
from relay.safety.embedding import Embedder
from relay.safety.filter import Filter
from relay.safety.page import replies_page


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it went well, 1 with plain words on standard error otherwise."""
    options = _parser().parse_args(arguments)
    try:
        tables = load_unsealed(DATA)
        made = Filter(tables)
        if options.command == "seal":
            self_test.run(made, tables)  # the rules must do by themselves, too
        if options.command != "replies":
            read = functools.partial(read_unsealed, DATA)
            made.add_classifiers(read, Embedder.load(options.models_dir))
        if options.command == "seal":
            self_test.run(made, tables)
            print(f"The self-test passed; {seal(DATA)} files sealed.")
        elif options.command == "replies":
            page = replies_page(tables)
            if options.write:
                options.write.write_text(page, encoding="utf-8")
            else:
                print(page, end="")
        else:
            _try(made, " ".join(options.words), options.age, options.said)
    except RelayError as error:
        print(f"Not sealed: {error}" if options.command == "seal" else error, file=sys.stderr)
        return 1
    return 0


def _try(made: Filter, text: str, age: int, said: bool) -> None:
    band = AgeBand.of(age)
    verdict = made.said(text, band) if said else made.heard(text, band)
    print(f"{verdict.action.value}  {verdict.category}  {verdict.rule}".rstrip())
    if verdict.alert:
        print(f"alert: {verdict.alert.value}")
    if verdict.reply:
        print(verdict.reply)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m relay.safety", description=__doc__)
    parser.add_argument(
        "--models-dir", type=Path, default=Path("models"), help="where the models lie (%(default)s)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("seal", help="test the data files as they are and write their hashes")
    page = commands.add_parser("replies", help="all reviewed replies on one page, as Markdown")
    page.add_argument("--write", type=Path, metavar="FILE", help="instead of printing it")
    trial = commands.add_parser("try", help="what the filter answers, with the files as they are")
    trial.add_argument("words", nargs="+", help="a sentence")
    trial.add_argument("--age", type=int, default=7, choices=range(3, 14), metavar="3-13")
    trial.add_argument("--said", action="store_true", help="as said by the toy, not by a child")
    return parser


if __name__ == "__main__":
    sys.exit(main())
