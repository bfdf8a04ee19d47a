"""Make docs/performance.md anew: its tables and pictures, from the JSON files of the benches.

    python -m tools.bench latency --baseline --json out/bench/latency.json
    python -m tools.bench load --json out/bench/load.json
    python -m tools.bench memory --full --json out/bench/memory.json
    python -m tools.bench performance

Between `<!-- NAME -->` and `<!-- end -->` stands what is made here; the rest is written by hand. A
block whose bench has not been run stays as it is.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench import latency_figures, load_figures, memory, performance_tables
from tools.bench.report import write_pictures
from tools.bench.websocket import ROOT, BenchError

BLOCK = re.compile(r"<!-- (?P<name>[a-z ]+) -->\n.*?<!-- end -->", re.DOTALL)
BENCHES = ("latency", "load", "memory")
PICTURES: Mapping[str, Callable[[Any], dict[str, str]]] = {
    "latency": latency_figures.pictures_of,
    "load": load_figures.pictures_of,
    "memory": memory.pictures_of,
}


@dataclass(frozen=True)
class Block:
    """A part of the document: the benches that it needs, and what writes it from their JSON."""

    needs: tuple[str, ...]
    write: Callable[..., str]


BLOCKS = {
    "machine": Block(BENCHES, performance_tables.machine),
    "goals": Block(BENCHES, performance_tables.goals),
    "stages": Block(("latency",), performance_tables.stages),
    "noise": Block(("latency",), performance_tables.noise),
    "baseline": Block(("latency",), performance_tables.baseline),
    "children": Block(("load",), performance_tables.children),
    "models": Block(("latency",), performance_tables.models),
    "homes": Block(("load",), performance_tables.homes),
}


def main(argv: list[str]) -> int:
    """Write the document; return 0, or 2 if a file cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench performance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--results",
        type=Path,
        default=Path("out/bench"),
        metavar="DIR",
        help="where latency.json, load.json, memory.json are (default %(default)s)",
    )
    add("--document", type=Path, default=ROOT / "docs/performance.md", metavar="FILE")
    arguments = parser.parse_args(argv)
    try:
        results = read_results(arguments.results)
        text = arguments.document.read_text(encoding="utf-8")
        arguments.document.write_text(fill(text, results), encoding="utf-8")
    except (BenchError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    folder = arguments.document.parent / "pictures"
    for name, result in results.items():
        for picture in write_pictures(folder / f"{name}.json", PICTURES[name](result["rows"])):
            print(picture)
    for name in sorted(set(BENCHES) - set(results)):
        print(f"{name}.json is not in {arguments.results}: what it fills stays as it was")
    return 0


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the results that there are, by bench; BenchError when none is there or one is bad."""
    results = {}
    for name in BENCHES:
        path = folder / f"{name}.json"
        if not path.exists():
            continue
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            good = result["bench"] == name and {"machine", "figures", "rows"} <= set(result)
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            raise BenchError(f"{path} is not what `python -m tools.bench {name} --json` writes")
        results[name] = result
    if not results:
        raise BenchError(f"There are no results in {folder}; run the benches first (--help).")
    return results


def fill(text: str, results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the document with its blocks written anew; BenchError for a block nobody knows."""

    def written(found: "re.Match[str]") -> str:
        name = found["name"]
        if name not in BLOCKS:
            raise BenchError(
                f"Nobody knows what <!-- {name} --> is; there are: {', '.join(BLOCKS)}"
            )
        block = BLOCKS[name]
        if not set(block.needs) <= set(results):
            return found[0]
        body = block.write(*(results[bench] for bench in block.needs))
        return f"<!-- {name} -->\n{body}\n<!-- end -->"

    return BLOCK.sub(written, text)
