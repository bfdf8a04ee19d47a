"""Settings from file and environment, with every problem named at once in plain words."""

import difflib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, SettingsError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from relay.config import Settings
from relay.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_FILE = Path("relay.toml")
FILE_VARIABLE = "BRAMBLE_CONFIG"
_PREFIX = "BRAMBLE_"
_HIDDEN = "[hidden]"
_UNQUOTED = {("llm", "api_key"), ("store", "url")}  # their values stay out of messages


def find_settings_file(given: Path | None = None) -> Path | None:
    """Return the file to read: `given`, else $BRAMBLE_CONFIG, else relay.toml here, else None."""
    if given is not None:
        return given
    if named := os.environ.get(FILE_VARIABLE):
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def load_settings(file: Path | None = None) -> Settings:
    """Return the settings in force: defaults, then the file, then the environment.

    Raises ConfigError that lists every problem, one a line, and what to do about it.
    """
    path = find_settings_file(file)
    from_file = _read_toml(path) if path else {}
    try:
        from_environment = EnvSettingsSource(Settings)()
    except SettingsError as error:
        raise ConfigError(f"environment: {error}") from error
    problems = list(_unknown_variables())
    try:
        settings = Settings(**_merged(from_file, from_environment))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            location = tuple(str(part) for part in detail["loc"])
            where = _where(location, from_environment, path)
            problems.append(f"{where}: {_plain(detail, location)}")
    if problems:
        # What somebody wrote is quoted: it must not drive a terminal or look like another line.
        lines = ("".join(c if c.isprintable() else "?" for c in line) for line in problems)
        raise ConfigError("\n".join(lines))
    return settings


def visible_settings(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the settings as plain data, secrets hidden; top-level ones under ""."""
    shown: dict[str, dict[str, Any]] = {"": {}}
    for name, value in settings:
        if isinstance(value, BaseModel):
            shown[name] = {key: _visible((name, key), item) for key, item in value}
        else:
            shown[""][name] = _visible((name,), value)
    return shown


def all_settings() -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield (group, name, field) of every setting, top-level ones first with group ""."""
    groups = {name: field for name, field in Settings.model_fields.items() if _group_of(field)}
    for name, field in Settings.model_fields.items():
        if name not in groups:
            yield "", name, field
    for group, field in groups.items():
        for name, inner in _group_of(field).items():
            yield group, name, inner


def example_file() -> str:
    """Return a commented TOML file with every setting at its default."""
    lines = [
        "# Settings of the relay. Every line is optional; what stands here are the defaults.",
        f"# Environment variables go before this file, as in {_PREFIX}LISTEN__PORT=8765.",
        "",
    ]
    current = ""
    for group, name, field in all_settings():
        if group != current:
            current = group
            lines += ["", f"[{group}]  # {first_line(_group_doc(group))}"]
        lines += [f"# {field.description}", f"# {name} = {toml_value(default_of(name, field))}"]
    return "\n".join(lines) + "\n"


def reference_table() -> str:
    """Return a Markdown table of every setting, for docs/operations.md."""
    rows = ["| Setting | Default | What it is |", "|---|---|---|"]
    for group, name, field in all_settings():
        full = f"{group}.{name}" if group else name
        rows.append(f"| `{full}` | `{toml_value(default_of(name, field))}` | {field.description} |")
    return "\n".join(rows) + "\n"


def default_of(name: str, field: FieldInfo) -> Any:  # noqa: ANN401 - whatever type the setting has
    """Return a setting's default as it is written in the example and the documentation."""
    if name == "data_dir":
        return "~/.local/share/bramble"
    return field.get_default(call_default_factory=False)


def toml_value(value: object) -> str:
    """Return `value` as TOML; an unset one as an empty string."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    text = "" if value is None else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def first_line(text: str | None) -> str:
    """Return the first line of a docstring."""
    return (text or "").strip().split("\n")[0]


def _group_of(field: FieldInfo) -> dict[str, FieldInfo]:
    kind = field.annotation
    return kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}


def _group_doc(group: str) -> str | None:
    kind = Settings.model_fields[group].annotation
    return kind.__doc__ if kind else None


def _visible(location: tuple[str, ...], value: object) -> object:
    if isinstance(value, SecretStr):
        return _HIDDEN if value.get_secret_value() else ""
    if location == ("store", "url") and value:
        try:
            return make_url(str(value)).render_as_string(hide_password=True)
        except ArgumentError:
            return _HIDDEN
    return str(value) if isinstance(value, Path) else value


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: there is no such file; `python -m relay settings --example` prints one"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({type(error).__name__})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not good TOML: {error}") from error


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for key, value in above.items():
        inner = both.get(key)
        nested = isinstance(inner, Mapping) and isinstance(value, Mapping)
        both[key] = _merged(inner, value) if nested else value  # type: ignore[arg-type]
    return both


def _unknown_variables() -> Iterator[str]:
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    for variable in sorted(os.environ):
        first = variable.upper().split("__")[0]
        if not first.startswith(_PREFIX) or first in known or variable == FILE_VARIABLE:
            continue
        close = difflib.get_close_matches(first, known, 1)
        # Other BRAMBLE_ variables may belong to the tools; only a slip of the pen is stopped.
        if close or "__" in variable:
            hint = f"; did you mean {variable.upper().replace(first, close[0])}?" if close else ""
            yield f"{variable}: there is no such setting{hint}"


def _where(location: tuple[str, ...], environment: Mapping[str, Any], file: Path | None) -> str:
    inner: object = environment
    for part in location:
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    if inner is not None and location:
        return _PREFIX + "__".join(location).upper()
    return f"{file}: {'.'.join(location)}" if file else ".".join(location)


def _plain(detail: Mapping[str, Any], location: tuple[str, ...]) -> str:
    """Say in plain words what is wrong with one setting."""
    limits = detail.get("ctx", {})
    kind = detail["type"]
    words = {
        "extra_forbidden": "there is no such setting" + _did_you_mean(location),
        "greater_than": f"must be more than {limits.get('gt')}",
        "greater_than_equal": f"must be at least {limits.get('ge')}",
        "less_than": f"must be less than {limits.get('lt')}",
        "less_than_equal": f"must be at most {limits.get('le')}",
        "literal_error": f"must be one of {limits.get('expected')}",
        "int_parsing": "must be a whole number",
        "int_from_float": "must be a whole number",
        "int_type": "must be a whole number",
        "float_parsing": "must be a number",
        "float_type": "must be a number",
        "string_type": "must be text in quotes",
        "string_too_short": "must not be empty",
        "string_pattern_mismatch": "is not of the right form" + _described(location),
        "path_type": "must be the path of a file or folder, in quotes",
        "model_type": f"must be a section: write [{'.'.join(location)}] on a line of its own",
        "value_error": str(limits.get("error", "")),
    }.get(kind, str(detail["msg"]).lower())
    value = detail.get("input")
    quotable = isinstance(value, str | int | float) and location not in _UNQUOTED
    if not quotable or kind in ("extra_forbidden", "value_error"):
        return words
    return f"{words}, and is {str(value)[:60]!r}"


def _described(location: tuple[str, ...]) -> str:
    for group, name, field in all_settings():
        if location == ((group, name) if group else (name,)):
            return f" ({field.description})"
    return ""


def _did_you_mean(location: tuple[str, ...]) -> str:
    settings = [(group, name) for group, name, _ in all_settings()]
    names = {name for group, name in settings if group == (location[0] if location[1:] else "")}
    if len(location) == 1:
        names |= {group for group, _ in settings if group}
    elsewhere = [f"[{group}]" for group, name in settings if name == location[-1] and group]
    if elsewhere:
        return f"; did you mean it under {' or '.join(elsewhere)}?"
    if close := difflib.get_close_matches(location[-1], names, 1):
        return f"; did you mean {close[0]}?"
    return ""
