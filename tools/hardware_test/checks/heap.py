"""Memory: enough left at the worst moment of a conversation, and no less after many turns."""

import asyncio
from typing import Any

from tools.hardware_test.bench import Bench, ask_toy, start
from tools.hardware_test.result import Check, Row, Value, verdict_of

TITLE = "Memory"
ROUNDS = 6
SETTLE_S = 0.8
LEAST_FREE_BYTES = 20_000  # of MicroPython's heap on a board, in a conversation
LEAST_BLOCK_BYTES = 24_000  # of ESP-IDF's: TLS wants 16 KB in one piece, and more in small ones
MOST_LOST_BYTES = 4096  # over all rounds, after the collection that each return to idle makes


async def heap(bench: Bench) -> Check:
    """Let the toy chirp and look round, and see what each round leaves."""
    session = await start(bench)
    rows: list[Row] = []
    for number in range(ROUNDS):
        await ask_toy(session, "chirp")
        await asyncio.sleep(SETTLE_S)
        status: dict[str, Any] = await ask_toy(session, "status")
        row: dict[str, Value] = {"round": number + 1, "heap free": status["heap_free"]}
        if bench.virtual is None:  # the simulated board has no ESP-IDF, only a table of its figures
            row["largest IDF block"] = status["heap_largest"]
        rows.append(row)
    free = [int(row["heap free"] or 0) for row in rows]
    half = ROUNDS // 2
    # Between collections free memory saws up and down; what is lost shows at the peaks.
    lost = max(0, max(free[:half]) - max(free[half:]))
    failures = []
    if lost > MOST_LOST_BYTES:
        failures.append(f"{lost} bytes were lost in {ROUNDS} rounds")
    figures: dict[str, float] = {"heap_free_min": min(free), "heap_lost": lost}
    if bench.virtual is None:
        block = min(int(row["largest IDF block"] or 0) for row in rows)
        figures["heap_largest_min"] = block
        if min(free) < LEAST_FREE_BYTES:
            failures.append(f"only {min(free)} bytes of heap were free")
        if block < LEAST_BLOCK_BYTES:
            failures.append(f"the largest block was {block} bytes: too small for TLS")
        why = "; ".join(failures) or f"at least {min(free)} bytes were free and none were lost"
        return Check(TITLE, verdict_of(failures), why, figures, rows)
    why = "; ".join(failures) or (
        "nothing was lost from round to round; objects are larger on this computer than on the "
        "chip, so the sizes themselves are no measure"
    )
    return Check(TITLE, verdict_of(failures, whole=False), why, figures, rows)
