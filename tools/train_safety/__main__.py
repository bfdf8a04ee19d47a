"""`python -m tools.train_safety`: learn from the exemplars, write and seal the arrays, measure."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from relay.errors import RelayError
from relay.safety import self_test
from relay.safety.data_files import DATA, load_unsealed, seal
from relay.safety.embedding import Embedder
from relay.safety.errors import SafetyError
from relay.safety.filter import Filter
from relay.safety.finding import Side
from relay.safety.machine import file_name
from relay.safety.normalise import Normaliser
from relay.safety.verdict import Action
from tools.train_safety.exemplars import (
    Exemplar,
    ExemplarError,
    read_cases,
    read_exemplars,
    read_replies,
)
from tools.train_safety.measure import report

console = Console(highlight=False)


def main(arguments: list[str] | None = None) -> int:
    """Train, seal and measure; 0 if it went well, 1 with plain words otherwise."""
    options = _parser().parse_args(arguments)
    try:
        written = read_exemplars()
        cases = read_cases(written)
        known, test = _parted([*written, *cases])
        if options.write_test:
            _write_cases(options.write_test, test)
            console.print(f"{len(test)} test sentences written to {options.write_test}")
            return 0
        embedder = Embedder.load(options.models_dir)
        if not options.measure_only:
            _train(known, test, embedder)
        filter_ = Filter.load(DATA, embedder)
        self_test.run(filter_, load_unsealed(DATA))
        report(console, filter_, test)
    except (ExemplarError, RelayError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    return 0


def _parted(exemplars: Sequence[Exemplar]) -> tuple[list[Exemplar], list[Exemplar]]:
    """Return what to learn from and the test part; no sentence is in both."""
    test = [each for each in exemplars if each.is_for_test]
    kept = {(each.side, each.text.lower()) for each in test}
    return [each for each in exemplars if (each.side, each.text.lower()) not in kept], test


def _train(known: Sequence[Exemplar], test: Sequence[Exemplar], embedder: Embedder) -> None:
    try:
        from tools.train_safety.fit import Read, fit, packed  # noqa: PLC0415  needs "train"
    except ModuleNotFoundError as error:
        raise SafetyError(
            f"training needs {error.name}: .venv/bin/pip install -e '.[train]'"
        ) from None
    tables = load_unsealed(DATA)
    normaliser = Normaliser(tables["words"])

    def read(exemplars: Sequence[Exemplar], name: str) -> list[Read]:
        found = []
        for each in track(exemplars, f"reading {name}", console=console):
            text = normaliser.views(each.text).readings[1].strip()
            found.append(Read(each, text, embedder(text)))
        return found

    known = [*known, *read_replies(tables["replies"])]
    of_known, of_test = read(known, "what to learn from"), read(test, "the test part")
    console.print(f"learning from {len(known)} sentences: a few minutes ...")
    machines = fit(of_known, of_test, console.print)
    contents = {file_name(side): packed(arrays) for side, arrays in machines.items()}
    for name, content in contents.items():  # all at once: a relay may start at any moment
        (DATA / name).write_bytes(content)
        console.print(f"{name}: {len(content):,} bytes")
    seal(DATA, map(file_name, Side))


def _write_cases(path: Path, exemplars: Iterable[Exemplar]) -> None:
    """Write exemplars as rows that `python -m tools.bench safety --cases` reads."""
    labels = {Action.ALLOW: "benign", Action.CAUTION: "sensitive", Action.BLOCK: "harmful"}
    with path.open("w", encoding="utf-8") as file:
        for number, each in enumerate(exemplars):
            youngest, oldest = each.ages
            row = {
                "text": each.text,
                "side": "input" if each.side is Side.HEARD else "output",
                "label": labels[each.action],
                "category": each.category.value if each.category else each.source,
                "age": youngest + number % (min(oldest, each.until) - youngest + 1),
            }
            file.write(json.dumps(row) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.train_safety", description=__doc__)
    parser.add_argument(
        "--models-dir", type=Path, default=Path("models"), help="where the models lie (%(default)s)"
    )
    parser.add_argument(
        "--measure-only", action="store_true", help="measure the arrays that are there"
    )
    parser.add_argument(
        "--write-test",
        type=Path,
        metavar="FILE",
        help="only write the test part, as cases for python -m tools.bench safety --cases",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
