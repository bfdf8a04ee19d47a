"""The reviewed replies as one page."""

from relay.safety.data_files import Tables

_HEAD = """# What Bramble says instead

Every reviewed reply, by topic and age. Made from `relay/safety/data/replies.toml` by
`python -m relay.safety replies --write docs/safety-replies.md`; change the words there.
"""


def replies_page(tables: Tables) -> str:
    """Return all replies as Markdown, a table a topic."""
    parts = [_HEAD]
    for topic, entry in tables["replies"].items():
        parts.append(f"\n## {topic}\n{entry.get('about', '')}\n\n| Ages | Words |\n|---|---|\n")
        for ages, lines in entry.items():
            if ages != "about":
                parts.append(f"| {ages} | {'<br>'.join(lines)} |\n")
    return "".join(parts)
