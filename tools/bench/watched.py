"""The relay as a process of its own, with the real engines, watched from outside.

What it costs is read from /proc (Linux), what it says of itself from `GET /metrics`.
"""

import asyncio
import contextlib
import math
import os
import signal
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType

import httpx
from prometheus_client.parser import text_string_to_metric_families

from relay.config import Settings
from relay.store import Store
from relay.tokens import issue_token
from tools.bench.websocket import ROOT, BenchError

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 20.0
HOST = "127.0.0.1"
AGE = 7
LAG = "bramble_event_loop_lag_seconds"
STAGE = "bramble_turn_stage_seconds"
FIRST_FRAME = ("stage", "first_frame")
TURNS = "bramble_turns_total"

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class WatchedRelay:
    """A relay in a home of its own that knows `toys` toys; use it with `async with`.

    `tokens` are theirs. Settings come from the environment, as for any relay, but for the address,
    the folder and the limits, which must not be what is measured. `prepare` may put more into its
    store before it starts. Raises BenchError.
    """

    def __init__(
        self, toys: int, prepare: Callable[[Store], Awaitable[None]] | None = None
    ) -> None:
        self._toys = toys
        self._prepare = prepare
        self._folder = tempfile.TemporaryDirectory(prefix="bramble-")
        self._home = Path(self._folder.name)
        self._process: asyncio.subprocess.Process | None = None
        self.tokens: list[str] = []
        self.port = self.page_port = 0

    async def __aenter__(self) -> "WatchedRelay":
        if sys.platform != "linux":
            raise BenchError("This bench reads /proc and needs Linux.")
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What a toy needs for the link; it does not look whose certificate it is."""
        if not Settings().listen.tls:
            return None
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    @property
    def url(self) -> str:
        """Where toys reach it."""
        return f"{'ws' if self.tls is None else 'wss'}://{HOST}:{self.port}/toy"

    async def _start(self) -> None:
        store = Store(f"sqlite:///{self._home / 'relay.db'}", timeout_s=10)
        try:
            await store.open()
            for number in range(self._toys):
                self.tokens.append((await issue_token(store, f"toy {number}", AGE))[1])
            if self._prepare is not None:
                await self._prepare(store)
        finally:
            await store.close()
        self.port, self.page_port = _free_ports(2)
        environment = os.environ | {
            "BRAMBLE_DATA_DIR": str(self._home),
            "BRAMBLE_MODELS_DIR": str(Settings().models_dir.resolve()),
            "BRAMBLE_STORE__URL": "",
            "BRAMBLE_PARENT__HOST": HOST,
            "BRAMBLE_PARENT__PORT": str(self.page_port),
            "BRAMBLE_LISTEN__HOST": HOST,
            "BRAMBLE_LISTEN__PORT": str(self.port),
            "BRAMBLE_LIMITS__TURNS_PER_MINUTE": "600",
            "BRAMBLE_LIMITS__MAX_TOYS": str(self._toys + 8),
            "PYTHONPATH": str(ROOT),
        }
        with (self._home / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "relay", "serve"),
                cwd=self._home,
                env=environment,
                stdout=log,
                stderr=log,
            )
        await self._wait_until_listening(self._process)

    async def _wait_until_listening(self, process: asyncio.subprocess.Process) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if process.returncode is not None:
                raise BenchError(f"The relay did not start:\n{self.log_tail()}")
            try:
                await self.figures()
            except (httpx.HTTPError, BenchError):
                await asyncio.sleep(0.2)
            else:
                return
        raise BenchError(f"The relay was not ready after {START_TIMEOUT_S:.0f} s.")

    async def _stop(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
            except asyncio.TimeoutError:
                process.kill()
                await process.wait()
        self._folder.cleanup()

    def log_tail(self) -> str:
        """Return the end of the relay's log."""
        return (self._home / "log").read_text(encoding="utf-8", errors="replace")[-3000:]

    async def figures(self) -> Figures:
        """Return what the relay tells Prometheus; raises BenchError, httpx.HTTPError."""
        scheme = "http" if self.tls is None else "https"
        # The certificate is the relay's own, and the address is this computer's.
        async with httpx.AsyncClient(verify=self.tls or True, trust_env=False) as client:
            answer = await client.get(f"{scheme}://{HOST}:{self.port}/metrics", timeout=20)
        if answer.status_code != httpx.codes.OK:
            raise BenchError("The relay shows no figures: is metrics.allow empty?")
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def memory_bytes(self) -> int:
        """Return the memory that the relay and its children hold (resident set)."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(
            int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
            for pid in self._processes()
        )

    def processor_s(self) -> float:
        """Return the processor seconds that the relay and its children have used."""
        ticks = 0
        for pid in self._processes():
            # proc(5): behind the name in brackets, utime and stime are fields 14 and 15.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _processes(self) -> list[int]:
        if self._process is None or self._process.returncode is not None:
            raise BenchError("The relay has ended.")
        found, at = [self._process.pid], 0
        while at < len(found):
            for children in Path(f"/proc/{found[at]}/task").glob("*/children"):
                found += map(int, children.read_text().split())
            at += 1
        return found


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def turns_ended(figures: Figures) -> dict[str, float]:
    """Return how many turns have ended, by outcome."""
    return {labels[0][1]: count for (name, labels), count in figures.items() if name == TURNS}


def lag_ms(before: Figures, after: Figures, percent: float) -> float | None:
    """Return the event loop's lag between two looks; see `below_ms`."""
    return below_ms(before, after, percent, LAG)


def first_frame_ms(before: Figures, after: Figures, percent: float) -> float | None:
    """Return from a question's end to its answer's first frame, as the relay says; `below_ms`."""
    return below_ms(before, after, percent, STAGE, FIRST_FRAME)


def below_ms(
    before: Figures, after: Figures, percent: float, histogram: str, *labels: tuple[str, str]
) -> float | None:
    """Return the upper edge of a percentile's bucket, of what was counted between two looks.

    In ms; None if nothing was, or it lies above the last edge.
    """
    buckets = sorted(
        (float(dict(each)["le"]), count - before.get((name, each), 0.0))
        for (name, each), count in after.items()
        if name == f"{histogram}_bucket" and set(labels) <= set(each)
    )
    total = buckets[-1][1] if buckets else 0
    if not total:
        return None
    edge = next(edge for edge, count in buckets if count >= total * percent / 100)
    return edge * 1000 if math.isfinite(edge) else None
