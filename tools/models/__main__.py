"""`python -m tools.models`: list, get, add and verify models."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from relay.models import (
    FileRecord,
    is_inside,
    is_installed,
    problems,
    sha256_of,
    write_manifest,
)
from tools.models.catalogue import CATALOGUE, CatalogueError, Model, load
from tools.models.download import DownloadError, client
from tools.models.install import Installer

console = Console(stderr=True, highlight=False)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        options.models_dir.mkdir(parents=True, exist_ok=True)
        catalogue = load(options.catalogue)
        result: int = options.command(options, catalogue)
        return result
    except CatalogueError as error:
        console.print(f"The catalogue is wrong. {error}", markup=False)
    except OSError as error:
        console.print(f"{error.strerror}: {error.filename}", markup=False)
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on where it stopped.")
    return 1


def get(options: argparse.Namespace, catalogue: dict[str, Model]) -> int:
    """Bring models that are not there yet."""
    wanted = options.names or [name for name, model in catalogue.items() if model.starter]
    if unknown := [name for name in wanted if name not in catalogue]:
        console.print(f"Not in the catalogue: {', '.join(unknown)}. It has:", markup=False)
        console.print("  " + ", ".join(catalogue), markup=False)
        return 2
    failed: dict[str, str] = {}
    columns = (
        TextColumn("{task.description:22}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with client() as http, Progress(*columns, console=console) as progress:
        installer = Installer(
            options.models_dir,
            http,
            mirror=options.mirror,
            say=lambda line: console.print(f"  {line}", style="dim", markup=False),
        )
        for name in wanted:
            task = progress.add_task(name, total=catalogue[name].size)
            try:
                new = installer.get(
                    catalogue[name],
                    lambda done, total, task=task: progress.update(  # type: ignore[misc]
                        task, completed=done, total=total
                    ),
                )
                console.print(f"{name}: {'installed' if new else 'here already'}", markup=False)
                progress.update(task, completed=1, total=1, visible=False)
            except DownloadError as error:
                failed[name] = str(error)
                progress.update(task, visible=False)
    return _report(failed, options, catalogue)


def _report(
    failed: dict[str, str], options: argparse.Namespace, catalogue: dict[str, Model]
) -> int:
    missing = 0
    for name, reason in failed.items():
        instead = catalogue[name].instead
        if instead and not options.names and is_installed(options.models_dir, instead):
            console.print(f"{name} could not be had; {instead} does its work.", style="yellow")
            continue
        missing += 1
        console.print(f"{name} could not be had. {reason}", style="red", markup=False)
    if missing:
        console.print(
            "Try again later, ask another computer with --mirror, or put a file that you have "
            "in place with `python -m tools.models add FILE --name NAME`.",
            markup=False,
        )
    return 1 if missing else 0


def show(options: argparse.Namespace, catalogue: dict[str, Model]) -> int:
    """List the models of the catalogue, and which are here."""
    rows = [
        {
            "name": model.name,
            "kind": model.kind,
            "megabytes": round(model.size / 1e6),
            "licence": model.licence,
            "starter": model.starter,
            "installed": is_installed(options.models_dir, model.name),
            "title": model.title,
        }
        for model in catalogue.values()
    ]
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    table = Table("model", "kind", "MB", "licence", "here", "what it is")
    for row in rows:
        here = "yes" if row["installed"] else ("starter" if row["starter"] else "")
        cells = (row["name"], row["kind"], row["megabytes"], row["licence"], here, row["title"])
        table.add_row(*map(str, cells))
    Console(highlight=False).print(table)
    return 0


def verify(options: argparse.Namespace, _catalogue: dict[str, Model]) -> int:
    """Read every byte of installed models and compare with what was recorded."""
    names = options.names or sorted(
        path.name
        for path in options.models_dir.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )
    if not names:
        console.print(f"There are no models in {options.models_dir}.", markup=False)
    damaged = 0
    for name in names:
        wrong = problems(options.models_dir / name) if is_inside(name) else ["not a model's name"]
        damaged += bool(wrong)
        print(f"{name}: {'; '.join(wrong) if wrong else 'ok'}")
    if damaged:
        console.print("`python -m tools.models get NAME` repairs a model.", markup=False)
    return 1 if damaged else 0


def add(options: argparse.Namespace, _catalogue: dict[str, Model]) -> int:
    """Copy a file or folder that you have into the models, and record its hashes."""
    source: Path = options.file
    name = options.name or source.stem.lower()
    target = options.models_dir / name
    if not is_inside(name) or len(Path(name).parts) != 1 or target.exists():
        console.print(f"{name} is taken or not a name; choose one with --name.", markup=False)
        return 2
    if not source.exists():
        console.print(f"There is no {source}.", markup=False)
        return 2
    unfinished = options.models_dir / ".unfinished" / name
    shutil.rmtree(unfinished, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, unfinished)
    else:
        unfinished.mkdir(parents=True)
        shutil.copy2(source, unfinished)
    files = {
        path.relative_to(unfinished).as_posix(): FileRecord(path.stat().st_size, sha256_of(path))
        for path in sorted(unfinished.rglob("*"))
        if path.is_file()
    }
    write_manifest(unfinished, files)
    unfinished.replace(target)
    for path, record in files.items():
        print(f"{record.sha256}  {path}")
    print(f"Added as {name}; choose it in the settings, for example BRAMBLE_LLM__MODEL={name}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.models",
        description="Get, list and check the models the relay listens, thinks and speaks with.",
    )
    parser.add_argument(
        "--models-dir",
        type=Path,
        default=Path(os.environ.get("BRAMBLE_MODELS_DIR") or "models"),
        metavar="DIR",
        help="where models lie (default: $BRAMBLE_MODELS_DIR or models)",
    )
    parser.add_argument(
        "--catalogue", type=Path, default=CATALOGUE, metavar="FILE", help="another catalogue"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="show what there is and what is here")
    command.add_argument("--json", action="store_true", help="for machines")
    command.set_defaults(command=show)

    command = commands.add_parser("get", help="bring models (the starter set without names)")
    command.add_argument("names", nargs="*", metavar="NAME", help="models of `list`")
    command.add_argument("--starter", action="store_true", help="the starter set, as without names")
    command.add_argument(
        "--mirror",
        metavar="URL",
        help="ask this copy of a models folder first, as served on another computer with "
        "`python -m http.server`",
    )
    command.set_defaults(command=get)

    command = commands.add_parser("verify", help="check every byte of what is here")
    command.add_argument("names", nargs="*", metavar="NAME", help="default: all that are here")
    command.set_defaults(command=verify)

    command = commands.add_parser("add", help="take over a model file or folder of your own")
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--name", help="name of the model (default: from the file)")
    command.set_defaults(command=add)
    return parser


if __name__ == "__main__":
    sys.exit(main())
