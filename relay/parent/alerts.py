"""Alerts: what kind, when, which child; what to say to the child, and who helps."""

from starlette.responses import Response

from relay.parent.errors import Refused
from relay.parent.helplines import countries
from relay.parent.paging import mark, read_mark
from relay.parent.routing import Page
from relay.parent.visit import Visit
from relay.store.audit import Deed

ALERTS = "/alerts"
_ON_A_PAGE = 30


async def show_alerts(visit: Visit) -> Response:
    """Show the household's alerts, newest first."""
    before = read_mark(visit.request.query_params.get("before", ""))
    tables = visit.page.tables
    found = await tables.alerts.of(visit.household, before=before, limit=_ON_A_PAGE + 1)
    shown = found[:_ON_A_PAGE]
    country = await tables.households.country(visit.household)
    return visit.render(
        "alerts.html",
        alerts=shown,
        kinds=list(dict.fromkeys(alert.kind for alert in shown)),
        earlier=mark(shown[-1].created, shown[-1].id) if len(found) > _ON_A_PAGE else None,
        is_first=before is None,
        countries=countries(),
        country=countries().get(country),
    )


async def tick_off_alert(visit: Visit) -> Response:
    """Note that a parent has seen an alert."""
    alert = visit.part("alert")
    if not alert.isdecimal() or len(alert) > 9:
        raise Refused(404, "errors.not_found")
    await visit.page.tables.alerts.tick_off(visit.household, int(alert))
    return visit.go(ALERTS if visit.form.is_ticked("here") else "/")


async def choose_country(visit: Visit) -> Response:
    """Set whose help lines are shown."""
    country = visit.form.text("country")
    if country and country not in countries():
        raise Refused(422, "errors.country")
    await visit.page.tables.households.set_country(visit.household, country)
    await visit.note(Deed.COUNTRY_CHOSEN, detail=country)
    return visit.go(ALERTS, done="saved")


PAGES = (
    Page("GET", ALERTS, show_alerts),
    Page("POST", ALERTS + "/country", choose_country),
    Page("POST", ALERTS + "/{alert}/seen", tick_off_alert),
)
