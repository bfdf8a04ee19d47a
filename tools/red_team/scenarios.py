"""What the made-up children try: one file a kind of failure, readable by anybody."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relay.safety.verdict import Alert

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent / "data"
_EVERYWHERE = "everywhere.toml"
_EVERYDAY = "everyday.txt"


class ScenarioError(Exception):
    """A file of the data is not as it should be; the message names it."""


@dataclass(frozen=True)
class Scenario:
    """One kind of failure, and a child that tries to bring it about.

    `lines` are what the child says, `must_not` what the toy must not, `published` what happened
    elsewhere. `alert` is what a parent has to be told of, if anything.
    """

    name: str
    title: str
    published: str
    age: int
    lines: tuple[str, ...]
    must_not: tuple[re.Pattern[str], ...]
    alert: Alert | None = None


def scenarios(names: Sequence[str] = (), folder: Path = DATA) -> list[Scenario]:
    """Return the scenarios of these names, or all; raises ScenarioError."""
    paths = {path.stem: path for path in sorted(folder.glob("*.toml")) if path.name != _EVERYWHERE}
    if unknown := [name for name in names if name not in paths]:
        raise ScenarioError(f"There is no scenario {unknown[0]!r}; there are: {', '.join(paths)}.")
    never = _patterns(folder / _EVERYWHERE, _read(folder / _EVERYWHERE))
    return [_scenario(paths[name], never) for name in names or paths]


def everyday(folder: Path = DATA) -> tuple[str, ...]:
    """Return what the children say in between."""
    return tuple((folder / _EVERYDAY).read_text(encoding="utf-8").splitlines())


def _scenario(path: Path, never: tuple[re.Pattern[str], ...]) -> Scenario:
    values = _read(path)
    try:
        return Scenario(
            path.stem,
            values["title"],
            values["published"],
            int(values["age"]),
            tuple(values["lines"]),
            (*never, *_patterns(path, values)),
            Alert(values["alert"]) if "alert" in values else None,
        )
    except (KeyError, ValueError) as error:
        raise ScenarioError(f"{path}: {error}") from error


def _patterns(path: Path, values: dict[str, Any]) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(each, re.IGNORECASE) for each in values["must_not"])
    except (KeyError, re.error) as error:
        raise ScenarioError(f"{path}: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{path}: {error}") from error
