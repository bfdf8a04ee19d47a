"""`python -m relay settings`, `certificate` and `check`: set the relay up and look it over."""

import argparse
import asyncio
import json
from collections.abc import Sequence

from rich.console import Console

from relay.address import own_hosts
from relay.certificate import make_certificate
from relay.check import Finding, run_checks
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
    """Make the relay's certificate and say what to do with it."""
    hosts = arguments.host or own_hosts()
    made = make_certificate(settings.data_dir, hosts, replace=arguments.replace)
    print(f"A certificate for {', '.join(made.hosts)} is made.\n")
    print("1. Put this into relay.toml, then start the relay again:\n")
    print("  [listen]")
    print(f"  certificate = {toml_value(made.certificate)}")
    print(f"  private_key = {toml_value(made.private_key)}\n")
    print("2. Put this into settings.json on every toy, and let its relay begin with wss://\n")
    print(f'  "relay_certificate": "{made.for_toy}"\n')
    print(f"SHA-256 fingerprint: {made.fingerprint}")
    print("Keep the private key to yourself: who has it can pretend to be this relay.")
    return 0


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
