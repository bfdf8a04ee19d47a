"""The toy's settings: from options, from the relay, or asked for; checked by the toy's own code."""

import base64
import getpass
import json
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from device.settings import Settings
from device.settings import SettingsError as ToySettingsError
from tools.flash.errors import SettingsError

RELAY_TIMEOUT_S = 60
OWN_COMPUTER = ("localhost", "127.0.0.1", "::1")

Fields = dict[str, Any]


@dataclass
class Wanted:
    """What is known so far; None is asked for. `fields` are more fields of settings.json."""

    ssid: str | None = None
    password: str | None = None
    relay: str | None = None
    token: str | None = None
    age: int | None = None
    certificate: Path | None = None
    code: str | None = None  # for the toy to pair by, over the air
    pair: str | None = None  # the toy's name: let the relay on this computer make the token
    fields: Fields = field(default_factory=dict)


class Asker:
    """Asks a person at the terminal. `interactive` false: nobody is there to be asked."""

    def __init__(self, interactive: bool = True) -> None:
        self._interactive = interactive

    def ask(self, question: str, option: str) -> str:
        """Return an answer; SettingsError names `option` when nobody can be asked."""
        return self._ask(question, option, input)

    def ask_secret(self, question: str, option: str) -> str:
        """Return an answer that is not shown while it is typed."""
        return self._ask(question, option, getpass.getpass)

    def _ask(self, question: str, option: str, read: Callable[[str], str]) -> str:
        if not self._interactive:
            raise SettingsError(f"{question}? There is nobody to ask here: give {option}")
        try:
            return read(f"{question}: ").strip()
        except EOFError as error:
            raise SettingsError(f"{question}? No answer came: give {option}") from error


def collect(wanted: Wanted, board: str, asker: Asker) -> Fields:
    """Return the fields of settings.json, asking for what is missing; SettingsError."""
    ssid = wanted.ssid or asker.ask("Name of your Wi-Fi (2.4 GHz)", "--wifi NAME")
    password = wanted.password
    if password is None:
        password = asker.ask_secret(
            f"Password of {ssid} (empty if it has none)", "BRAMBLE_WIFI_PASSWORD"
        )
    fields: Fields = {"networks": [{"ssid": ssid, "password": password}], **wanted.fields}
    if wanted.code is not None:
        fields.update(_to_be_paired(wanted, board))
        check(fields)
        return fields
    age = wanted.age if wanted.age is not None else _ask_age(asker)
    if wanted.pair is not None:
        fields.update(pair(wanted.pair, age))
    if wanted.relay or "relay" not in fields:
        fields["relay"] = wanted.relay or asker.ask(
            "Address of the relay, like wss://192.168.1.10:8765/toy", "--relay URL or --pair NAME"
        )
    if wanted.token or "token" not in fields:
        fields["token"] = wanted.token or asker.ask_secret(
            "Token, as `python -m relay toy add` printed it", "BRAMBLE_TOKEN or --pair NAME"
        )
    if wanted.certificate is not None:
        fields["relay_certificate"] = read_certificate(wanted.certificate)
    fields.update(age=age, board=board)
    check(fields)
    return fields


def _to_be_paired(wanted: Wanted, board: str) -> Fields:
    """Return what a toy needs to pair by a code; the relay gives it the rest."""
    if wanted.pair or wanted.token or wanted.certificate:
        raise SettingsError("--code brings the token and the certificate: leave out the others")
    fields: Fields = {"pairing_code": wanted.code, "board": board}
    if wanted.relay:
        fields["relay"] = wanted.relay
    if wanted.age is not None:
        fields["age"] = wanted.age
    return fields


def check(fields: Fields) -> None:
    """Raise SettingsError, with every problem in plain words, if a toy would refuse `fields`."""
    try:
        Settings(json.loads(json.dumps(fields)))
    except ToySettingsError as error:
        problems = "\n".join(f"  {problem}" for problem in error.problems)
        raise SettingsError(f"A toy cannot use these settings:\n{problems}") from error


def reaches_only_this_computer(fields: Fields) -> bool:
    """Tell whether the relay's address means "the toy itself" to the toy."""
    return urlsplit(str(fields.get("relay", ""))).hostname in OWN_COMPUTER


def pair(name: str, age: int) -> Fields:
    """Let the relay on this computer add a toy; return its address, token and certificate."""
    command = [sys.executable, "-m", "relay", "toy", "add", name, "--age", str(age), "--json"]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=RELAY_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SettingsError(f"The relay's own command does not run: {error}") from error
    if result.returncode != 0:
        # Only standard error: a token never stands there.
        raise SettingsError(f"The relay did not add the toy.\n{result.stderr.strip()}")
    fields: Fields = json.loads(result.stdout)["settings"]
    return fields


def read_certificate(path: Path) -> str:
    """Return a PEM or DER certificate as a toy wants it: DER in base64; SettingsError."""
    try:
        content = path.read_bytes()
        if b"-----BEGIN" in content:
            # The relay's own file holds its private key behind the certificate: not for a toy.
            certificate, end, _ = content.decode("ascii").partition(ssl.PEM_FOOTER)
            content = ssl.PEM_cert_to_DER_cert((certificate + end).strip())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path} is no certificate that can be read; `python -m relay certificate` makes one"
        ) from error
    return base64.b64encode(content).decode("ascii")


def _ask_age(asker: Asker) -> int:
    answer = asker.ask("Age of the child, 3 to 13", "--age N")
    if not answer.isdecimal():
        raise SettingsError(f"{answer!r} is no age: a whole number from 3 to 13 is needed")
    return int(answer)
