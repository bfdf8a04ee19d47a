"""How a toy has been: its signal, battery, memory and answers over time, and its failures."""

from collections.abc import Sequence

from starlette.responses import Response

from relay.history.retention import HEALTH_DAYS, THINNED_S
from relay.history.vitals import SAMPLE_EVERY_S
from relay.parent.charts import HEIGHT, WIDTH, Chart, chart, increases, scaled
from relay.parent.routing import Page
from relay.parent.toys import TOYS
from relay.parent.visit import Visit
from relay.store.health import HealthSample

_DAY_S = 24 * 3600
_KB = 1024


async def show_health(visit: Visit) -> Response:
    """Show a day, or as much as is kept."""
    tables, now = visit.page.tables, int(visit.page.now())
    toy = await tables.toys.get(visit.household, visit.part("toy"))
    is_long = visit.request.query_params.get("days", "") == str(HEALTH_DAYS)
    begin = now - (HEALTH_DAYS if is_long else 1) * _DAY_S
    samples = await tables.health.since(toy.id, begin)
    if is_long:
        # The latest days are not thinned yet, and finer than the drawing is wide.
        samples = [sample for sample in samples if sample.at % THINNED_S == 0]
    return visit.render(
        "toy_health.html",
        toy=toy,
        charts=_charts(samples, begin, now, 3 * (THINNED_S if is_long else SAMPLE_EVERY_S)),
        crashes=await tables.health.crashes(toy.id),
        is_long=is_long,
        days=HEALTH_DAYS,
        width=WIDTH,
        height=HEIGHT,
    )


def _charts(samples: Sequence[HealthSample], begin: int, end: int, gap_s: int) -> list[Chart]:
    def of(column: str) -> list[tuple[int, int | None]]:
        return [(sample.at, getattr(sample, column)) for sample in samples]

    made = (
        chart("rssi", of("rssi"), begin=begin, end=end, gap_s=gap_s, edges=(-95, -30)),
        chart("battery", of("battery_percent"), begin=begin, end=end, gap_s=gap_s, edges=(0, 100)),
        # Answers come when the child asks: no gap is too long for a line between them.
        chart(
            "turnaround", of("turnaround_ms"), begin=begin, end=end, gap_s=_DAY_S, from_zero=True
        ),
        chart(
            "heap",
            scaled(of("heap_free"), lambda free: free // _KB),
            begin=begin,
            end=end,
            gap_s=gap_s,
        ),
        chart(
            "reconnects",
            increases(of("reconnects")),
            begin=begin,
            end=end,
            gap_s=gap_s,
            from_zero=True,
        ),
    )
    return [one for one in made if one is not None]


PAGES = (Page("GET", TOYS + "/{toy}/health", show_health),)
