"""Signal strength: what the toy reports follows what the radio has."""

import asyncio
import time

from relay.session import Session
from tools.hardware_test.bench import Bench, ask_toy, start
from tools.hardware_test.result import Check, Row, Verdict, verdict_of
from tools.virtual_toy import VirtualToy

TITLE = "Signal strength"
LEVELS_DBM = (-48, -62, -76)
TOLERANCE_DB = 4
FOLLOWS_S = 20  # the toy smooths over several samples
SAMPLES = 20
SAMPLE_S = 1.0
POSSIBLE_DBM = range(-100, -9)


async def signal(bench: Bench) -> Check:
    """Move the simulated toy about; watch a real one where it stands."""
    session = await start(bench)
    if bench.virtual is not None:
        return await _follow(session, bench.virtual)
    return await _watch(session)


async def _follow(session: Session, toy: VirtualToy) -> Check:
    failures: list[str] = []
    rows: list[Row] = []
    for level in LEVELS_DBM:
        toy.set_rssi(level)
        began = time.monotonic()
        reported = None
        while time.monotonic() - began < FOLLOWS_S:
            reported = (await ask_toy(session, "status"))["rssi"]
            if reported is not None and abs(reported - level) <= TOLERANCE_DB:
                break
            await asyncio.sleep(0.5)
        else:
            failures.append(f"at {level} dBm it still reports {reported} dBm after {FOLLOWS_S} s")
        rows.append(
            {
                "radio dBm": level,
                "reported dBm": reported,
                "within s": round(time.monotonic() - began, 1),
            }
        )
    slowest = max(float(row["within s"] or 0) for row in rows)
    why = "; ".join(failures) or f"it followed every change within {slowest:.1f} s"
    return Check(TITLE, verdict_of(failures), why, {"rssi_follows_s_max": slowest}, rows)


async def _watch(session: Session) -> Check:
    samples = []
    for _ in range(SAMPLES):
        samples.append((await ask_toy(session, "status"))["rssi"])
        await asyncio.sleep(SAMPLE_S)
    rows: list[Row] = [{"second": n, "rssi dBm": rssi} for n, rssi in enumerate(samples)]
    wrong = [rssi for rssi in samples if rssi not in POSSIBLE_DBM]
    if wrong:
        return Check(TITLE, Verdict.FAILED, f"impossible values: {wrong[:5]}", rows=rows)
    figures = {"rssi_dbm_min": min(samples), "rssi_dbm_max": max(samples)}
    why = f"{min(samples)} to {max(samples)} dBm where it stands; carry it about to see it change"
    return Check(TITLE, Verdict.PARTLY, why, figures, rows)
