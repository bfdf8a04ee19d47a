"""`python -m relay toy ...` and `alerts`: who may talk, and what a parent should know of."""

import argparse
import json
import time

from relay.address import own_hosts, toy_address
from relay.certificate import load_identity
from relay.commands.with_store import with_store
from relay.config import Settings
from relay.safety.verdict import Alert
from relay.store import Store, Toy
from relay.tokens import issue_token

ALERT_WORDS = {
    Alert.SELF_HARM: "said something about hurting themselves",
    Alert.ABUSE: "said something about being hurt by someone",
    Alert.DANGER: "said that somebody may be in danger right now",
    Alert.CHECK_FAILED: "a safety check failed; the toy spoke a safe line instead",
}


def add(arguments: argparse.Namespace, settings: Settings) -> int:
    """Pair a toy and print its token, this once."""
    toy, token = with_store(
        settings, lambda store: issue_token(store, arguments.name, arguments.age)
    )
    port = settings.listen.port
    fields: dict[str, object] = {
        "relay": toy_address(settings.listen, port),
        "token": token,
        "age": toy.age,
    }
    if settings.listen.tls:
        fields["relay_certificate"] = load_identity(settings.data_dir, own_hosts()).for_toy
    if arguments.json:
        print(json.dumps({"id": toy.id, "name": toy.name, "settings": fields}))
        return 0
    print(f'"{toy.name}" is paired, for a child of {toy.age}. Its token, shown only this once:\n')
    print(f"  {token}\n")
    print("For settings.json on the toy, beside its Wi-Fi networks:\n")
    print("  " + json.dumps(fields)[1:-1])
    return 0


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """List the toys."""
    toys = with_store(settings, lambda store: store.toys(with_removed=arguments.all))
    if arguments.json:
        print(json.dumps([vars(toy) for toy in toys]))
    elif not toys:
        print("No toy is paired yet: python -m relay toy pair NAME --age N")
    else:
        print(f"{'NAME':<24} {'AGE':>3}  {'ADDED':<16}  {'LAST SEEN':<16}  ID")
    for toy in toys if not arguments.json else ():
        state = f"  removed {_clock(toy.revoked)}" if toy.revoked else ""
        print(
            f"{toy.name:<24} {toy.age:>3}  {_clock(toy.created):<16}  "
            f"{_clock(toy.last_seen):<16}  {toy.id}{state}"
        )
    return 0


def remove(arguments: argparse.Namespace, settings: Settings) -> int:
    """Take a toy's token away."""
    toy = with_store(settings, lambda store: store.remove_toy(arguments.name))
    print(f'"{toy.name}" is removed: its token no longer works, and a running relay cuts it off.')
    return 0


def age(arguments: argparse.Namespace, settings: Settings) -> int:
    """Set the age of a toy's child."""
    toy = with_store(settings, lambda store: store.set_age(arguments.name, arguments.age))
    print(f'"{toy.name}" is for a child of {toy.age} now. The younger of this age and the one in')
    print("the toy's own settings.json decides how it talks.")
    return 0


def alerts(arguments: argparse.Namespace, settings: Settings) -> int:
    """List what a parent should know of, newest first."""

    async def look(store: Store) -> tuple[list[dict[str, object]], dict[str, Toy]]:
        toys = {toy.id: toy for toy in await store.toys(with_removed=True)}
        found = await store.alerts(limit=arguments.limit)
        rows: list[dict[str, object]] = [
            vars(alert) | {"kind": alert.kind.value, "band": alert.band.value} for alert in found
        ]
        return rows, toys

    rows, toys = with_store(settings, look)
    if arguments.json:
        print(json.dumps(rows))
    elif not rows:
        print("No alerts.")
    for row in rows if not arguments.json else ():
        name = toys[str(row["toy"])].name if row["toy"] in toys else row["toy"]
        when = _clock(int(str(row["created"])))
        print(f"{when}  {name}: {ALERT_WORDS[Alert(row['kind'])]} ({row['category']})")
    return 0


def _clock(unix_s: int | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(unix_s)) if unix_s else "never"
