"""How long a parent waits for a page with a year of data; and what live views of the toys cost.

The relay is a process of its own, asked over HTTPS as by a browser that is logged in. `page_ms` is
from the request to the last byte of the answer, over all pages, `page_cpu_ms` the relay's processor
time for one. `live_cpu_share` is what three open live views of a hundred toys add to the relay's
share of one core, `toys_cpu_share` what the toys take by themselves.
"""

import argparse
import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import Progress

from relay.config import Settings
from relay.errors import RelayError
from relay.parent.app import PAGES
from tools.bench.light_toy import LightToy
from tools.bench.report import machine, p50_p95, percentile, print_table, verdict, write_json
from tools.bench.watched import AGE, HOST, WatchedRelay
from tools.bench.websocket import BenchError
from tools.bench.year import NAME, PASSWORD, WATCHER, write_year

GOALS = {"page_ms_p95": 100.0, "live_cpu_share": 0.1}
TOYS, QUICK_TOYS = 100, 10
VIEWS = 3
ROUNDS, QUICK_ROUNDS = 30, 5
SETTLE_S = 5.0
WATCH_S, QUICK_WATCH_S = 30.0, 5.0
PATIENCE_S = 60.0
OUT = Path("out/bench/page.json")
# Of these each visit would be the first, or the page is a stream.
_LEFT_OUT = re.compile(r"/link/|/events$|/add-toy/{|^/login$|^/erased$|/parents/")
_TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')


def main(argv: list[str]) -> int:
    """Measure; return 0 when every page came, 1 if not."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench page",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="few rounds and toys: does it run?")
    parser.add_argument("--json", type=Path, default=OUT, help="where to (%(default)s)")
    arguments = parser.parse_args(argv)
    console, before = Console(), machine()
    try:
        rows, figures = asyncio.run(measure(arguments.quick, console))
    except (BenchError, RelayError, httpx.HTTPError) as error:
        console.print(str(error) or type(error).__name__, style="red", markup=False)
        return 1
    print_table("Pages", rows, console)
    print_table(
        "Figures",
        [
            {"figure": k, "value": v, "goal": GOALS.get(k), "verdict": verdict(v, GOALS.get(k))}
            for k, v in figures.items()
        ],
        console,
    )
    write_json(
        arguments.json,
        bench="page",
        figures=figures,
        rows=rows,
        runs=QUICK_ROUNDS if arguments.quick else ROUNDS,
        machine_before=before,
    )
    return 0


async def measure(
    quick: bool, console: Console
) -> tuple[list[dict[str, object]], dict[str, float]]:
    """Return a row a page, and the figures; raises BenchError, RelayError, httpx.HTTPError."""
    toys = QUICK_TOYS if quick else TOYS
    console.print("Writing a year of data, starting a relay ...")
    async with WatchedRelay(toys, write_year) as relay, browser(relay, NAME) as parent:
        used = relay.processor_s()
        times = await page_times(parent, QUICK_ROUNDS if quick else ROUNDS, console)
        used = relay.processor_s() - used
        all_times = [each for page in times.values() for each in page]
        figures = p50_p95("page_ms", all_times)
        figures["page_cpu_ms_mean"] = round(used / len(all_times) * 1000, 1)
        figures |= await live_cost(relay, QUICK_WATCH_S if quick else WATCH_S, console)
    rows: list[dict[str, object]] = [
        {
            "page": page,
            "p50_ms": round(percentile(each, 50), 1),
            "p95_ms": round(percentile(each, 95), 1),
            "worst_ms": round(max(each), 1),
        }
        for page, each in times.items()
    ]
    return rows, figures


@contextlib.asynccontextmanager
async def browser(relay: WatchedRelay, name: str) -> AsyncIterator[httpx.AsyncClient]:
    """Log a parent in; raises BenchError."""
    encrypted = Settings().parent.tls
    base = f"http{'s' if encrypted else ''}://{HOST}:{relay.page_port}"
    # The certificate is the relay's own, and the address is this computer's.
    verify = relay.tls if encrypted and relay.tls else False
    async with httpx.AsyncClient(
        base_url=base, verify=verify, timeout=PATIENCE_S, trust_env=False
    ) as client:
        found = _TOKEN.search((await client.get("/login")).text)
        fields = {"token": found[1] if found else "", "name": name, "password": PASSWORD}
        if (await client.post("/login", data=fields)).status_code != httpx.codes.SEE_OTHER:
            raise BenchError("The page lets nobody in.")
        yield client


async def page_times(
    client: httpx.AsyncClient, rounds: int, console: Console
) -> dict[str, list[float]]:
    """Return how long each page took in ms, in each round; raises BenchError."""
    ids = await known_ids(client)
    times: dict[str, list[float]] = {}
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("Reading pages", total=rounds)
        for _ in range(rounds):
            for page in PAGES:
                if page.method != "GET" or _LEFT_OUT.search(page.path):
                    continue
                path = page.path.format(**ids)
                began = time.perf_counter()
                answer = await client.get(path)
                elapsed_ms = (time.perf_counter() - began) * 1000
                if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                    raise BenchError(f"{path} answered {answer.status_code}.")
                if answer.status_code == httpx.codes.OK:
                    times.setdefault(page.path, []).append(elapsed_ms)
            progress.advance(bar)
    if len(times) < len(ids):
        raise BenchError("Hardly any page could be seen.")
    return times


async def known_ids(client: httpx.AsyncClient) -> dict[str, str]:
    """Return a child's and a toy's id as links have them; raises BenchError."""
    ids = {}
    for name, path in (("child", "/children"), ("toy", "/toys")):
        found = re.search(rf'href="{path}/([0-9a-f]+)"', (await client.get(path)).text)
        if found is None:
            raise BenchError(f"{path} shows nothing.")
        ids[name] = found[1]
    return ids


async def live_cost(relay: WatchedRelay, watch_s: float, console: Console) -> dict[str, float]:
    """Return the relay's share of one core, with toys alone and with live views too."""
    console.print(f"Connecting {len(relay.tokens)} toys ...")
    async with contextlib.AsyncExitStack() as open_:
        for token in relay.tokens:
            await open_.enter_async_context(LightToy(relay.url, token, relay.tls, AGE))
        await asyncio.sleep(SETTLE_S)
        alone = await share(relay, watch_s)
        client = await open_.enter_async_context(browser(relay, WATCHER))
        heard = [0] * VIEWS
        views = [asyncio.create_task(watch(client, heard, view)) for view in range(VIEWS)]
        try:
            await asyncio.sleep(SETTLE_S)
            watched = await share(relay, watch_s)
        finally:
            for view in views:
                view.cancel()
            await asyncio.gather(*views, return_exceptions=True)
    if not all(heard):
        raise BenchError("A live view showed nothing.")
    return {
        "toys_cpu_share": round(alone, 4),
        "live_cpu_share": round(max(0.0, watched - alone), 4),
    }


async def watch(client: httpx.AsyncClient, heard: list[int], view: int) -> None:
    """Keep a live view open, and count what it shows."""
    async with client.stream("GET", "/live/events") as answer:
        async for piece in answer.aiter_bytes():
            heard[view] += len(piece)


async def share(relay: WatchedRelay, seconds: float) -> float:
    """Return which share of one core the relay takes."""
    began, used = time.monotonic(), relay.processor_s()
    await asyncio.sleep(seconds)
    return (relay.processor_s() - used) / (time.monotonic() - began)
