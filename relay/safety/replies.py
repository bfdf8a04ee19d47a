"""Reviewed replies: what is said instead of the model's words, by topic and age band."""

import zlib
from collections.abc import Mapping
from typing import Any

from relay.age import AgeBand
from relay.safety.errors import SafetyError

_MAX_WORDS = {
    AgeBand.AGES_3_TO_5: 40,
    AgeBand.AGES_6_TO_8: 50,
    AgeBand.AGES_9_TO_11: 60,
    AgeBand.AGES_12_TO_13: 60,
}
LAST_RESORT = "Let's ask a grown-up about that. What else shall we talk about?"
"""Said when even the replies cannot be had. The same words for every band."""


class Replies:
    """The lines of data/replies.toml, every topic for every band."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.topics: dict[str, dict[AgeBand, tuple[str, ...]]] = {}
        for topic, entry in table.items():
            lines = {band: tuple(self._lines(topic, entry, band)) for band in AgeBand}
            self.topics[topic] = lines

    def pick(self, topic: str, band: AgeBand, text: str = "") -> str:
        """Return a line of `topic`; which one depends on `text` alone, the same every time."""
        lines = self.topics[topic][band]
        return lines[zlib.crc32(text.encode("utf-8", "replace")) % len(lines)]

    def _lines(self, topic: str, entry: Mapping[str, Any], band: AgeBand) -> list[str]:
        for ages, lines in entry.items():
            if ages == "about":
                continue
            youngest, _, oldest = ages.partition("-")
            first, last = band.value.split("-")
            if not (youngest.isdigit() and oldest.isdigit() and isinstance(lines, list)):
                raise SafetyError(f"replies.toml: [{topic}]: {ages!r} is not a span of ages")
            if int(youngest) <= int(first) and int(last) <= int(oldest):
                return [self._checked(topic, line, band) for line in lines]
        raise SafetyError(f"replies.toml: [{topic}] has no words for ages {band.value}")

    def _checked(self, topic: str, line: object, band: AgeBand) -> str:
        if not isinstance(line, str) or not line.strip():
            raise SafetyError(f"replies.toml: [{topic}] has an empty line for ages {band.value}")
        if len(line.split()) > _MAX_WORDS[band]:
            raise SafetyError(
                f"replies.toml: [{topic}]: more than {_MAX_WORDS[band]} words for ages {band.value}"
            )
        if any(char.isdigit() for char in line):
            raise SafetyError(f"replies.toml: [{topic}] holds a number: they differ between places")
        return line
