"""A toy's Wi-Fi networks. A password goes to the toy, and is kept nowhere here."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from relay.parent.routing import Page
from relay.parent.toy_care import have_done, trouble
from relay.parent.toy_view import signal_word
from relay.parent.toys import TOYS
from relay.parent.visit import Visit
from relay.store.audit import Deed
from relay.store.toy import Toy
from relay.toy_commands import CommandResult

WIFI = TOYS + "/{toy}/wifi"
# IEEE 802.11: 32 bytes; WPA2: 8 to 63 characters, or 64 hexadecimal digits.
_LONGEST_NAME = 32
_LONGEST_PASSWORD = 64
_MOST_SHOWN = 40
_ENTERPRISE = "wpa2-enterprise"


async def show_wifi(visit: Visit) -> Response:
    """Show which networks the toy knows."""
    return await _show(visit, await _toy(visit))


async def look_round(visit: Visit) -> Response:
    """Have the toy look for networks."""
    toy = await _toy(visit)
    result = await have_done(visit, toy, "wifi_scan")
    wrong = trouble(result)
    if result is None or wrong:
        return await _show(visit, toy, result, wrong=wrong)
    return await _show(visit, toy, networks=_networks(result.value))


async def add_network(visit: Visit) -> Response:
    """Give the toy one more network."""
    toy = await _toy(visit)
    # A network's name may begin with a blank.
    name, password = visit.form.secret("ssid"), visit.form.secret("password")
    errors: dict[str, str] = {}
    if not 1 <= len(name.encode()) <= _LONGEST_NAME or not name.isprintable():
        errors["ssid"] = "errors.ssid"
    if not 8 <= len(password) <= _LONGEST_PASSWORD or not password.isprintable():
        errors["password"] = "errors.wifi_password"  # noqa: S105 - the key of a text
    if errors:
        return await _show(visit, toy, ssid=name, errors=errors)
    result = await have_done(visit, toy, "wifi_add", {"ssid": name, "password": password})
    if wrong := trouble(result):
        return await _show(visit, toy, result, wrong=wrong, ssid=name)
    await visit.note(Deed.WIFI_CHANGED, toy.name)
    return visit.go(WIFI.format(toy=toy.id), done="wifi_added")


async def forget_network(visit: Visit) -> Response:
    """Have the toy forget a network."""
    toy = await _toy(visit)
    result = await have_done(visit, toy, "wifi_forget", {"ssid": visit.form.secret("ssid")[:100]})
    if wrong := trouble(result):
        return await _show(visit, toy, result, wrong=wrong)
    await visit.note(Deed.WIFI_CHANGED, toy.name)
    return visit.go(WIFI.format(toy=toy.id), done="wifi_forgotten")


async def _show(
    visit: Visit,
    toy: Toy,
    result: CommandResult | None = None,
    *,
    wrong: str = "",
    networks: list[dict[str, str]] | None = None,
    ssid: str = "",
    errors: dict[str, str] | None = None,
) -> Response:
    status = None if wrong in ("trouble.away", "trouble.silent") else await _status(visit, toy)
    return visit.render(
        "toy_wifi.html",
        (409 if wrong else 422 if errors else 200),
        toy=toy,
        networks_of_toy=status,
        trouble=wrong,
        # The toy's own words, which name no password.
        said=result.error if result is not None and wrong == "trouble.refused" else "",
        networks=networks,
        ssid=ssid,
        errors=errors or {},
    )


async def _status(visit: Visit, toy: Toy) -> dict[str, Any] | None:
    """Return what the toy says of its networks, None if it does not answer."""
    result = await have_done(visit, toy, "wifi_status")
    if result is None or not result.ok or not isinstance(result.value, dict):
        return None
    known = result.value.get("known")
    here = result.value.get("ssid")
    return {
        "ssid": here if isinstance(here, str) else "",
        "known": [name for name in known if isinstance(name, str)][:_MOST_SHOWN]
        if isinstance(known, list)
        else [],
    }


def _networks(value: object) -> list[dict[str, str]]:
    """Return the networks of a toy's answer that it could join; what is no network is left out."""
    found: Sequence[object] = value if isinstance(value, list) else []
    shown = []
    for one in found[:_MOST_SHOWN]:
        if not isinstance(one, dict):
            continue
        name, rssi, security = one.get("ssid"), one.get("rssi"), one.get("security")
        if isinstance(name, str) and name and isinstance(rssi, int):
            usable = security not in ("open", _ENTERPRISE)
            shown.append(
                {
                    "ssid": name,
                    "signal": signal_word(rssi),
                    "usable": "yes" if usable else "",
                }
            )
    return shown


async def _toy(visit: Visit) -> Toy:
    return await visit.page.tables.toys.get(visit.household, visit.part("toy"))


PAGES = (
    Page("GET", WIFI, show_wifi),
    Page("POST", WIFI + "/scan", look_round),
    Page("POST", WIFI + "/add", add_network),
    Page("POST", WIFI + "/forget", forget_network),
)
