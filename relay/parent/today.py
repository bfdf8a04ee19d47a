"""Today at a glance: the toys now, the children's day, and what needs a parent."""

import time

from starlette.responses import Response

from relay.parent.routing import Page
from relay.parent.toy_view import ToyView, view_of
from relay.parent.visit import Visit
from relay.store.children import Child


async def show_today(visit: Visit) -> Response:
    """Show the overview."""
    tables, household = visit.page.tables, visit.household
    children = await tables.children.of(household)
    alerts, alert_count = await tables.alerts.unseen(household)
    day = time.strftime("%Y-%m-%d", time.localtime(visit.page.now()))
    days = []
    for child in children:
        consents = await tables.children.consents(household, child.id)
        today = await tables.usage.day(child.id, day)
        days.append(
            {
                "child": child,
                "consented": bool(consents) and consents[0].is_valid,
                "minutes": (today.seconds + 59) // 60,
                "questions": today.questions,
                "stopped": today.stopped,
                "rules": await tables.rules.of(household, child.id),
            }
        )
    return visit.render(
        "today.html",
        toys=await _views(visit, children),
        days=days,
        alerts=alerts,
        alert_count=alert_count,
    )


async def show_toys_now(visit: Visit) -> Response:
    """Show only the toys, for a page that keeps itself fresh."""
    children = await visit.page.tables.children.of(visit.household)
    return visit.render("toys_now.html", toys=await _views(visit, children))


async def _views(visit: Visit, children: list[Child]) -> list[ToyView]:
    by_id = {child.id: child for child in children}
    toys = await visit.page.tables.toys.of(visit.household)
    return [view_of(toy, by_id, visit.page.sessions) for toy in toys]


PAGES = (
    Page("GET", "/", show_today),
    Page("GET", "/toys-now", show_toys_now),
)
