"""Help lines by country, from `helplines.toml`: what a parent may look up there, in order."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class HelpLine:
    """A telephone number. `source` is the site of the service, where it can be checked."""

    name: str
    number: str
    for_children: bool
    source: str


@dataclass(frozen=True)
class Country:
    """A country's help lines. `code` is ISO 3166's in small letters, or `eu`, or `zz` for others.

    `emergency` is "" where it is not known.
    """

    code: str
    emergency: str
    lines: tuple[HelpLine, ...]


@cache
def countries() -> Mapping[str, Country]:
    """Return all countries by their codes."""
    content = Path(__file__).with_name("helplines.toml").read_text(encoding="utf-8")
    return {
        code: Country(code, entry["emergency"], tuple(HelpLine(**line) for line in entry["lines"]))
        for code, entry in tomllib.loads(content).items()
    }
