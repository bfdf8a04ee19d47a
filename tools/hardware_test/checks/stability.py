"""The link for hours: no connection lost, no heartbeat missed, commands answered at once."""

import asyncio
import time
from dataclasses import dataclass, field

from tools.bench.report import percentile
from tools.hardware_test.bench import Bench, ToyAwayError, ask_toy, connected, start
from tools.hardware_test.result import Check, Row, verdict_of

TITLE = "Link for hours"
ASK_S = 2.0  # between two commands
LATE_FACTOR = 2.5  # of the heartbeat's period
RETURN_S = 30
MOST_ROWS = 50


@dataclass
class _Watch:
    began: float = field(default_factory=time.monotonic)
    answers_ms: list[float] = field(default_factory=list)
    longest_silence_s: float = 0.0
    losses: list[Row] = field(default_factory=list)
    reconnects_s: list[float] = field(default_factory=list)


async def stability(bench: Bench, hours: float) -> Check:
    """Watch the link for `hours`; cut a simulated one once on the way, to see it come back."""
    watch = _Watch()
    session = await start(bench)
    end_s = watch.began + hours * 3600
    cut_at_s = watch.began + hours * 1800 if bench.virtual else None
    seen, seen_at = session.health, time.monotonic()
    while time.monotonic() < end_s:
        if cut_at_s is not None and bench.virtual is not None and time.monotonic() > cut_at_s:
            cut_at_s = None
            bench.virtual.cut_connections()
            await asyncio.sleep(0.5)
        try:
            asked_at = time.monotonic()
            await ask_toy(session, "status")
            watch.answers_ms.append((time.monotonic() - asked_at) * 1000)
            await asyncio.sleep(min(ASK_S, max(0.0, end_s - time.monotonic())))
        except ToyAwayError as error:
            lost_at = time.monotonic()
            session = await connected(bench, RETURN_S)
            watch.reconnects_s.append(time.monotonic() - lost_at)
            watch.losses.append({"after s": round(lost_at - watch.began), "why": str(error)})
            seen_at = time.monotonic()
        if session.health is not seen:
            seen, seen_at = session.health, time.monotonic()
        watch.longest_silence_s = max(watch.longest_silence_s, time.monotonic() - seen_at)
    return _judge(watch, hours, bench)


def _judge(watch: _Watch, hours: float, bench: Bench) -> Check:
    forced = 1 if bench.virtual else 0
    limit_s = bench.home.relay.settings.limits.heartbeat_s * LATE_FACTOR
    failures = []
    if len(watch.losses) > forced:
        failures.append(f"the link was lost {len(watch.losses) - forced} times")
    if forced and not watch.losses:
        failures.append("the connection was cut on purpose and nobody noticed")
    if watch.longest_silence_s > limit_s:
        failures.append(f"no heartbeat for {watch.longest_silence_s:.0f} s")
    figures = {
        "hours": round(hours, 4),
        "unforced_losses": len(watch.losses) - forced,
        "longest_silence_s": round(watch.longest_silence_s, 1),
    }
    if watch.answers_ms:
        figures["answer_ms_p50"] = round(percentile(watch.answers_ms, 50), 1)
        figures["answer_ms_p95"] = round(percentile(watch.answers_ms, 95), 1)
    if watch.reconnects_s:
        figures["reconnect_s_max"] = round(max(watch.reconnects_s), 1)
    length = f"{hours:.2g} hours" if hours >= 0.1 else f"{hours * 3600:.0f} seconds"
    held = "held, but for the one cut on purpose" if forced else "held without a break"
    why = "; ".join(failures) or f"for {length} the link {held}"
    return Check(TITLE, verdict_of(failures), why, figures, watch.losses[:MOST_ROWS])
