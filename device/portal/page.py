"""The set-up page: phone-sized, in one piece, without a script. Pure.

Each function yields pieces of HTML, so that the whole page is never in memory at once.
"""

from device.protocol import OLDEST_AGE, YOUNGEST_AGE
from device.wifi_scan import INSECURE

STRONG_DBM = -60
WEAK_DBM = -75
REFRESH_S = 3
DEFAULT_CEILING = 80  # percent; offered where no grown-up has chosen yet

_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    "<title>Set up Bramble</title>"
)
_STYLE = (
    "<style>*{box-sizing:border-box}body{margin:0 auto;max-width:32rem;padding:1rem;"
    "font:1.05rem/1.45 system-ui,sans-serif;background:#fbf7f0;color:#33271e}"
    "h1{font-size:1.6rem;margin:.3rem 0 1rem}h2{font-size:1.1rem;margin:0 0 .6rem}"
    "section,details,.say{background:#fff;border:1px solid #e6dccd;border-radius:.9rem;"
    "padding:1rem;margin:0 0 1rem}label{display:block;margin:.8rem 0 .2rem;font-weight:600}"
    "small{display:block;color:#6f6257;margin-top:.25rem}input,select,textarea,button"
    "{width:100%;font:inherit;padding:.7rem;border:1px solid #b9a994;border-radius:.6rem;"
    "background:#fff;color:inherit}input[type=checkbox]{width:1.3rem;height:1.3rem;"
    "vertical-align:middle;margin-right:.5rem}button{background:#7a3b69;border:0;color:#fff;"
    "font-weight:700;padding:.9rem}.quiet{background:#fff;color:#7a3b69;border:2px solid #7a3b69}"
    ".bad{border:2px solid #b3261e;background:#fdf0ee}.good{border:2px solid #2e6b3a;"
    "background:#eff7f0}.say b{font-size:1.15rem}.say p{margin:.5rem 0 0}ul{margin:0;"
    "padding-left:1.2rem}</style></head><body>"
)
_END = "</body></html>"
# Phones "correct" what they do not know, and a password cannot be typed twice without a script, so
# it can be seen while it is typed.
_EXACT = 'autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false"'


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


def _text(value):
    return escape(value) if isinstance(value, str) else ""


def form_page(found, fields, problems=(), failure=None):
    """The form. `found` are the networks in sight, `fields` what settings.json would say so far.

    `problems` are what is wrong with it; `failure` is (what went wrong, what to do about it) when
    it was tried. Shows no password and no token.
    """
    yield _HEAD
    yield _STYLE
    yield "<h1>Set up your toy</h1>"
    if failure:
        yield '<div class="say bad" id="failure"><b>%s</b><p>%s</p>' % failure
        yield (
            '<p>Nothing was saved.</p><form method="post" action="/keep"><p><button class="quiet">'
            "Save it all the same</button></p></form></div>"
        )
    if problems:
        yield '<div class="say bad" id="problems"><b>Not yet:</b><ul>'
        for problem in problems:
            yield "<li>%s</li>" % escape(problem)
        yield "</ul></div>"
    yield '<form method="post" action="/try"><section><h2>1. Wi-Fi</h2>'
    for piece in _networks(found, fields):
        yield piece
    yield '</section><section><h2>2. Home</h2><label for="relay">Address of the relay</label>'
    yield (
        '<input id="relay" name="relay" required maxlength="200" placeholder="192.168.1.10" '
        'inputmode="url" value="%s" %s>' % (_text(fields.get("relay")), _EXACT)
    )
    yield "<small>The computer that runs <code>make relay</code>. It shows this address.</small>"
    known = bool(fields.get("token"))
    yield '<label for="token">Pairing token</label><input id="token" name="token" maxlength="200"'
    yield ' placeholder="leave empty to keep it"' if known else " required"
    yield " %s><small><code>python -m relay toy add</code> prints it, once.</small>" % _EXACT
    yield "</section><section><h2>3. Child</h2>"
    for piece in _child(fields):
        yield piece
    yield '</section><details><summary>More</summary><label for="certificate">Certificate of the '
    yield 'relay</label><textarea id="certificate" name="certificate" rows="3" maxlength="6000" '
    yield "%s></textarea><small>Only for an address that begins with wss://.</small>" % _EXACT
    ticked = " checked" if fields.get("allow_insecure_wifi") is True else ""
    yield '<label><input type="checkbox" name="open" value="yes"%s>' % ticked
    yield "Allow a Wi-Fi without a password</label><small>Anybody nearby could listen in.</small>"
    yield "</details><button>Try it and save</button></form>"
    yield _END


def _networks(found, fields):
    known = fields.get("networks") or []
    chosen = known[0]["ssid"] if known else None
    shown = {}
    for one in found:
        if one["ssid"] not in shown:
            shown[one["ssid"]] = _signal(one)
    for network in known:
        if network["ssid"] not in shown:
            shown[network["ssid"]] = "not in sight"
    yield '<label for="ssid">Network</label><select id="ssid" name="ssid">'
    yield '<option value="">%s</option>' % ("Choose" if shown else "None in sight")
    for ssid in sorted(shown, key=lambda name: (name != chosen, shown[name] == "not in sight")):
        name = escape(ssid)
        selected = " selected" if ssid == chosen else ""
        yield '<option value="%s"%s>%s (%s)</option>' % (name, selected, name, shown[ssid])
    yield '</select><label for="other">or its name, if it is hidden</label>'
    yield '<input id="other" name="other" maxlength="32" %s>' % _EXACT
    yield '<label for="password">Wi-Fi password</label><input id="password" name="password" '
    yield 'maxlength="64" %s %s>' % (
        'placeholder="leave empty to keep it"' if known else "",
        _EXACT,
    )
    yield "<small>The toy hears 2.4 GHz networks. To look again, switch it off and on.</small>"


def _signal(one):
    if one["rssi"] >= STRONG_DBM:
        words = "strong"
    else:
        words = "good" if one["rssi"] >= WEAK_DBM else "weak"
    return words + ", no real password" if one["security"] in INSECURE else words


def _child(fields):
    yield '<label for="age">Age</label><select id="age" name="age" required>'
    yield '<option value="">Choose</option>'
    for age in range(YOUNGEST_AGE, OLDEST_AGE + 1):
        yield _option(age, "%d years" % age, fields.get("age"))
    yield '</select><label for="ceiling">Never louder than</label>'
    yield '<select id="ceiling" name="ceiling">'
    ceiling = fields.get("volume_ceiling")
    if type(ceiling) is not int or not 0 <= ceiling <= 100:
        ceiling = DEFAULT_CEILING
    steps = set(range(20, 101, 10))
    steps.add(ceiling)
    for percent in sorted(steps):
        yield _option(percent, "%d %%" % percent, ceiling)
    yield "</select><small>The toy keeps this limit itself, whatever it is told.</small>"


def _option(value, words, chosen):
    selected = " selected" if value == chosen else ""
    return '<option value="%d"%s>%s</option>' % (value, selected, words)


def trying_page(name, address):
    """While the toy tries; it asks again by itself. `name` is that of the toy's own Wi-Fi."""
    yield _HEAD
    yield '<meta http-equiv="refresh" content="%d;url=/">' % REFRESH_S
    yield _STYLE
    yield '<h1>Set up your toy</h1><div class="say" id="trying"><b>The toy is trying it out.</b>'
    yield "<p>It joins your Wi-Fi and says hello to the relay. This takes up to a minute.</p>"
    yield "<p>Your phone may lose the toy meanwhile. If this page does not go on by itself, join "
    yield "the Wi-Fi <b>%s</b> again and open <b>http://%s</b></p></div>" % (escape(name), address)
    yield _END


def done_page():
    """The settings are saved."""
    yield _HEAD
    yield _STYLE
    yield '<h1>All set</h1><div class="say good" id="done"><b>The settings are saved.</b>'
    yield "<p>The toy starts now. Its light turns blue, then green: squeeze the paw and talk.</p>"
    yield "<p>Its own Wi-Fi is gone now. Your phone goes back to yours.</p></div>"
    yield _END
