"""Every word of the page, in one catalogue a language: `en.toml`.

`t("login.title")` returns a text; `t("toys.of_child", name=child.name)` puts values in, escaped for
HTML. Texts may hold HTML of their own. To translate the page, translate that file.
"""

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FOLDER = Path(__file__).parent


@cache
def catalogue(language: str = "en") -> Mapping[str, str]:
    """Return all texts of a language by their dotted keys."""
    content = (_FOLDER / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flat("", tomllib.loads(content)))


def t(key: str, **values: object) -> Markup:
    """Return a text with its values, escaped; raises KeyError for a key that is not there."""
    return Markup(catalogue()[key]).format(**values)  # noqa: S704 - the catalogue is ours


def _flat(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, str):
            flat.append((prefix + name, value.strip()))
        else:
            flat += _flat(f"{prefix}{name}.", value)
    return flat
