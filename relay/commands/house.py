"""`python -m relay settings`, `certificate` and `check`: set the relay up and look it over."""

import argparse
import asyncio
import json
from collections.abc import Sequence

from rich.console import Console

from relay.address import own_hosts
from relay.certificate import load_identity, replace_identity
from relay.check import Finding, relay_answers, run_checks
from relay.config import Settings
from relay.errors import ConfigError
from relay.settings_file import (
    all_settings,
    example_file,
    find_settings_file,
    reference_table,
    toml_value,
    visible_settings,
)


def settings(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the settings in force, or an example file, or the reference of docs/operations.md."""
    if arguments.example:
        print(example_file(), end="")
        return 0
    if arguments.markdown:
        print(reference_table(), end="")
        return 0
    shown = visible_settings(settings)
    if arguments.json:
        print(json.dumps({**shown.pop(""), **shown}))
        return 0
    current = ""
    for group, name, _ in all_settings():
        if group != current:
            current = group
            print(f"\n[{group}]")
        print(f"{name} = {toml_value(shown[group][name])}")
    return 0


def certificate(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show who this relay is; with --replace be somebody else from now on."""
    make = replace_identity if arguments.replace else load_identity
    identity = make(settings.data_dir, own_hosts())
    if arguments.replace:
        print("A new identity is made. Start the relay again, and pair every toy anew.\n")
    print("Toys that are paired by code know this relay already. For a settings.json by hand:\n")
    print(f'  "relay_certificate": "{identity.for_toy}"\n')
    print(f"SHA-256 fingerprint of the house: {identity.fingerprint}")
    print(f"Keep the files in {settings.data_dir} to yourself: who has them can pretend to be it.")
    return 0


def health(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Tell whether the relay is running here: for what watches over it, as a container does."""
    running = asyncio.run(relay_answers(settings.listen))
    print("running" if running else "not running")
    return 0 if running else 1


def check(arguments: argparse.Namespace, settings: Settings) -> int:
    """Try everything the relay needs; return 0 when all is well."""
    file = find_settings_file(getattr(arguments, "config", None))
    source = f"{file} and the environment" if file else "the defaults and the environment"
    first = Finding("settings", True, f"good: {source}", 0.0)
    show = _silent if arguments.json else _show
    show(first)
    return _sum_up(arguments, [first, *asyncio.run(run_checks(settings, show))])


def check_refused_settings(arguments: argparse.Namespace, error: ConfigError) -> int:
    """Report settings that cannot be used as the doctor's only finding; return 1."""
    finding = Finding("settings", False, str(error), 0.0)
    (_silent if arguments.json else _show)(finding)
    return _sum_up(arguments, [finding])


def _sum_up(arguments: argparse.Namespace, findings: Sequence[Finding]) -> int:
    bad = [finding for finding in findings if not finding.ok]
    if arguments.json:
        print(json.dumps({"ok": not bad, "checks": [vars(finding) for finding in findings]}))
    elif bad:
        print(f"\n{len(bad)} of {len(findings)} checks need attention.")
    else:
        print("\nAll is well: python -m relay starts it.")
    return 1 if bad else 0


def _show(finding: Finding) -> None:
    # Console looks at standard output: no colour in a file or a pipe.
    console = Console(highlight=False, soft_wrap=True)
    console.print("[green]ok [/] " if finding.ok else "[red]BAD[/] ", end="")
    detail = finding.detail.replace("\n", "\n" + " " * 17)
    console.print(f"{finding.name:<12} {detail}", markup=False)


def _silent(_finding: Finding) -> None:
    return
