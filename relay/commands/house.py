"""`python -m relay settings`, `certificate` and `check`: set the relay up and look it over."""

import argparse
import asyncio
import json

from rich.console import Console

from relay.address import own_hosts
from relay.certificate import make_certificate
from relay.check import Finding, run_checks
from relay.config import Settings
from relay.settings_file import (
    all_settings,
    example_file,
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
    console = Console(highlight=False, soft_wrap=True)

    def show(finding: Finding) -> None:
        mark = "[green]ok  [/]" if finding.ok else "[red]BAD [/]"
        console.print(f"{mark} {finding.name:<18}", end="")
        console.print(finding.detail, markup=False)

    findings = asyncio.run(run_checks(settings, (lambda _: None) if arguments.json else show))
    bad = [finding for finding in findings if not finding.ok]
    if arguments.json:
        print(json.dumps({"ok": not bad, "checks": [vars(finding) for finding in findings]}))
    elif bad:
        console.print(f"\n{len(bad)} of {len(findings)} checks need attention.")
    else:
        console.print("\nAll is well: python -m relay starts it.")
    return 1 if bad else 0
