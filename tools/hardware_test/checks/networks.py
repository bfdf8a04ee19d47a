"""Five networks: the toy sees them, takes the strongest, and joins each of them alone."""

import time

from tools.hardware_test.bench import Bench, ToyAwayError, ask_toy, start
from tools.hardware_test.result import Check, Row, verdict_of

WANTED = 5
TITLE = "Five networks"


async def networks(bench: Bench) -> Check:
    """Join all saved networks at once, then one after the other."""
    failures: list[str] = []
    rows: list[Row] = []
    known = [{"ssid": name, "password": password} for name, password in bench.networks]
    session = await start(bench, networks=known)
    seen = {one["ssid"]: one for one in await ask_toy(session, "wifi_scan")}
    joined = (await ask_toy(session, "wifi_status"))["ssid"]
    in_sight = [name for name, _ in bench.networks if name in seen]
    strongest = max(in_sight, key=lambda name: seen[name]["rssi"], default=None)
    if joined != strongest:
        failures.append(f"with all saved it joined {joined}, not the strongest, {strongest}")
    for one in known:
        name = one["ssid"]
        began = time.monotonic()
        try:
            session = await start(bench, networks=[one])
            status = await ask_toy(session, "wifi_status")
            reached = status["ssid"] == name
        except ToyAwayError:
            reached, status = False, {}
        if not reached:
            failures.append(f"{name} could not be joined")
        rows.append(
            {
                "network": name,
                "seen": name in seen,
                "joined": reached,
                "rssi dBm": status.get("rssi"),
                "security": seen.get(name, {}).get("security"),
                "start to hello s": round(time.monotonic() - began, 1) if reached else None,
            }
        )
    count = len(known)
    why = "; ".join(failures) or f"all {count} were joined, and the strongest of them by itself"
    if count < WANTED:
        why += f"; {WANTED} were wanted: give more with --networks"
    return Check(
        TITLE,
        verdict_of(failures, whole=count >= WANTED),
        why,
        figures={
            "networks_seen": len(seen),
            "networks_joined": sum(r["joined"] is True for r in rows),
        },
        rows=rows,
    )
