"""The set-up page: phone-sized, in one piece, without a script.

The HTML lies beside this file in the flash. Each function yields pieces of it, so that the page,
which is as large as a fifth of the code, is never in memory at once.
"""

from device.protocol import OLDEST_AGE, YOUNGEST_AGE
from device.settings import DEFAULT_NIGHT_VOLUME
from device.wifi_scan import INSECURE

STRONG_DBM = -60
WEAK_DBM = -75
DEFAULT_CEILING = 80  # percent; offered where no grown-up has chosen yet

FOLDER = __file__.rsplit("/", 1)[0] + "/"
# Phones "correct" what they do not know, and a password cannot be typed twice without a script, so
# it can be seen while it is typed.
EXACT = 'autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false"'
KEEP = 'placeholder="leave empty to keep it"'


def escape(text):
    """Make any text, such as the name that a stranger gave a network, harmless in HTML."""
    for letter, entity in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("'", "&#39;"),
    ):
        text = text.replace(letter, entity)
    return text


def form_page(found, fields, problems=(), failure=None, retype=False):
    """The form. `found` are the networks in sight, `fields` what settings.json would say so far.

    `problems` are what is wrong with it; `failure` is (what went wrong, what to do about it) when
    it was tried, `retype` whether the password was wrong. Shows no password and no token.
    """
    relay = fields.get("relay")
    values = {
        "exact": EXACT,
        "relay": escape(relay) if isinstance(relay, str) else "",
        "keep_password": KEEP if fields.get("networks") and not retype else "",
        "code": escape(fields.get("pairing_code") or ""),
        "keep_pairing": "; leave it empty to stay paired" if fields.get("token") else "",
        "keep_token": KEEP if fields.get("token") else "",
        "open": " checked" if fields.get("allow_insecure_wifi") is True else "",
        "night_from": _time(fields.get("night_from")),
        "night_until": _time(fields.get("night_until")),
    }
    lists = {
        "failure": _failure(failure),
        "problems": _problems(problems),
        "networks": _networks(found, fields.get("networks") or ()),
        "ages": _numbers(range(YOUNGEST_AGE, OLDEST_AGE + 1), " years", fields.get("age")),
        "ceilings": _ceilings(fields.get("volume_ceiling"), DEFAULT_CEILING),
        "night_ceilings": _ceilings(fields.get("night_volume_ceiling"), DEFAULT_NIGHT_VOLUME),
        "sleeps": _sleeps(fields.get("sleep_minutes")),
    }
    return _page("form.html", values, lists)


def trying_page(name, address):
    """While the toy tries; it asks again by itself. `name` is that of the toy's own Wi-Fi."""
    return _page("trying.html", {"name": escape(name), "address": address})


def done_page():
    """The settings are saved."""
    return _page("done.html", {})


def _page(name, values, lists=None):
    with open(FOLDER + "head.html") as file:
        yield from file
    with open(FOLDER + name) as file:
        for line in file:
            if line.startswith("<!--"):
                yield from lists[line.strip()[4:-3]]
            else:
                yield line.format(**values)


def _failure(failure):
    if failure:
        yield (
            '<div class="say bad" id="failure"><b>%s</b><p>%s</p><p>Nothing was saved.</p>'
            % failure
        )
        yield '<form method="post" action="/keep"><p><button class="quiet">Save it all the same'
        yield "</button></p></form></div>"


def _problems(problems):
    if problems:
        yield '<div class="say bad" id="problems"><b>Not yet:</b><ul>'
        for problem in problems:
            yield "<li>%s</li>" % escape(problem)
        yield "</ul></div>"


def _networks(found, known):
    chosen = known[0]["ssid"] if known else None
    shown = {}
    for one in found:
        if one["ssid"] not in shown:
            shown[one["ssid"]] = _signal(one)
    for network in known:
        if network["ssid"] not in shown:
            shown[network["ssid"]] = "not in sight"
    yield '<option value="">%s</option>' % ("Choose" if shown else "None in sight")
    for ssid in sorted(shown, key=lambda name: (name != chosen, shown[name] == "not in sight")):
        yield _option(escape(ssid), "%s (%s)" % (escape(ssid), shown[ssid]), ssid == chosen)


def _signal(one):
    if one["rssi"] >= STRONG_DBM:
        words = "strong"
    else:
        words = "good" if one["rssi"] >= WEAK_DBM else "weak"
    return words + ", no real password" if one["security"] in INSECURE else words


def _time(text):
    """Return a time of day as the browser's own field takes it, with two digits for the hour."""
    if not isinstance(text, str):
        return ""
    return escape(text if len(text) != 4 else "0" + text)


def _sleeps(minutes):
    known = type(minutes) is int
    yield _option("", "30 minutes on a battery, else never", not known)
    yield _option(0, "never", known and minutes == 0)
    steps = set(range(30, 121, 30))
    steps.add(minutes if known and minutes > 0 else 10)
    yield from _numbers(sorted(steps), " minutes", minutes)


def _ceilings(ceiling, default):
    if type(ceiling) is not int or not 0 <= ceiling <= 100:
        ceiling = default
    steps = set(range(10, 101, 10))
    steps.add(ceiling)
    return _numbers(sorted(steps), " %", ceiling)


def _numbers(numbers, unit, chosen):
    for number in numbers:
        yield _option(number, str(number) + unit, number == chosen)


def _option(value, words, chosen):
    return '<option value="%s"%s>%s</option>' % (value, " selected" if chosen else "", words)
