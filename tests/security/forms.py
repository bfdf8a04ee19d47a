"""The forms of the parent's page as a browser sees them, and wrong things to send."""

from html.parser import HTMLParser

from hypothesis import strategies as st

# What has broken forms elsewhere: script, SQL, templates, paths, numbers that are none, controls.
NASTY = (
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "Infinity",
    "99999999999999999999",
    "1.5",
    "٣",
    "\x00",
    "\x1b[2J",
    "\r\nSet-Cookie: a=b",
    "\u202eevil",
    "\ud7ff\U0010ffff",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE toys; --",
    "{{ 7*7 }}",
    "{% raise %}",
    "../../../../etc/passwd",
    "%s%n",
    "true",
    "on",
    "A" * 20_000,
    "ﷺ" * 200,
)
LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
VALUE = st.sampled_from(NASTY) | LETTERS


class Forms(HTMLParser):
    """Collects the forms of a page: where each goes, and its fields with the values they offer."""

    def __init__(self):
        super().__init__()
        self.forms = []
        self.links = []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "form":
            self.forms.append((values.get("method", "get").lower(), values.get("action", ""), {}))
        elif tag in ("input", "select", "textarea", "button") and self.forms and "name" in values:
            offered = self.forms[-1][2].setdefault(values["name"], [])
            offered.append(values.get("value") or "")
        elif tag == "option" and self.forms and self.forms[-1][2]:
            fields = self.forms[-1][2]
            fields[next(reversed(fields))].append(values.get("value") or "")


def forms_of(page):
    """Return the forms and links of a page."""
    parser = Forms()
    parser.feed(page)
    return parser.forms, parser.links


@st.composite
def bodies(draw, fields):
    """Make pairs to send in a form: some right, some wrong, some twice, some not at all."""
    pairs = []
    for name, offered in sorted(fields.items()):
        if name == "token":
            continue
        right = st.sampled_from(offered or [""])
        for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2)))):
            pairs.append((name, draw(right | VALUE)))
    if draw(st.booleans()):
        pairs.append((draw(st.sampled_from(("x", "token", "__proto__", "name[]"))), draw(VALUE)))
    return pairs
