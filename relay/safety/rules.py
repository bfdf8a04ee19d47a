"""Rules: what data/rules_*.toml say, looked for in every reading of a text."""

import enum
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from relay.age import AgeBand
from relay.safety.data_files import Tables
from relay.safety.errors import SafetyError
from relay.safety.finding import COMFORTED, CONTEXT_FREE, Category, Finding, Passage, Side
from relay.safety.normalise import Normaliser
from relay.safety.notation import Lists
from relay.safety.phrases import Phrase, PhraseIndex
from relay.safety.verdict import Action

_Kind = TypeVar("_Kind", bound=enum.Enum)
_REST = 4  # times as long as the work before it: a fifth of a core
_FILE_KEYS = {"category", "about", "action", "topic", "lists", "rule"}
_RULE_KEYS = {"name", "side", "action", "topic", "bands", "after", "weak"}
_RULE_KEYS |= {"phrases", "except", "contexts"}


@dataclass(frozen=True)
class Rule:
    """One `[[rule]]` of a rule file."""

    category: Category
    name: str
    side: Side
    action: Action
    topic: str
    bands: frozenset[AgeBand]
    phrases: tuple[Phrase, ...]
    exceptions: tuple[Phrase, ...]  # a match that overlaps one of these does not count
    contexts: tuple[Phrase, ...]  # nor does any match, when one of these is in the text
    after: frozenset[Category]  # counts only for a while after a cry for help of one of these
    is_weak: bool  # its words alone say little: the classifier must lean to the bad side as well

    @property
    def label(self) -> str:
        """Category and name, for logs."""
        return f"{self.category.value}.{self.name}"


class RuleBook:
    """All rules of one side, as a detector."""

    def __init__(self, rules: Sequence[Rule], side: Side, real: Sequence[Phrase]) -> None:
        self.rules = tuple(rule for rule in rules if rule.side is side)
        self._place = {rule: place for place, rule in enumerate(self.rules)}
        self._real = tuple(real)
        self._owner = {phrase: rule for rule in self.rules for phrase in rule.phrases}
        self._index = PhraseIndex(tuple(self._owner))

    def __call__(self, passage: Passage) -> Iterable[Finding]:
        """Return a finding for every rule that one of the readings breaks, as the files go.

        In that order, and not a set's, because the first of equals decides what is replied.
        """
        broken = self._broken(passage)
        return [
            Finding(rule.category, rule.label, rule.action, rule.topic, broken[rule], rule.is_weak)
            for rule in sorted(broken, key=self._place.__getitem__)
            if passage.band in rule.bands or rule.category in passage.always
            if not rule.after or rule.after & passage.lately
        ]

    def compile_all(self) -> None:
        """Compile every pattern, resting after each: some 10 s, and no check waits for it."""
        phrases = dict.fromkeys(self._owner, True)
        for rule in self.rules:
            for phrase in (*rule.exceptions, *rule.contexts):
                phrases.setdefault(phrase, False)
        for phrase, disguised in phrases.items():
            began = time.perf_counter()
            phrase.compile(disguised=disguised)
            time.sleep(_REST * (time.perf_counter() - began))

    def _broken(self, passage: Passage) -> dict[Rule, bool]:
        """Return the broken rules, and of each whether that is open to doubt."""
        broken: dict[Rule, bool] = {}
        alone = dict.fromkeys(passage.views.readings)
        joined = dict.fromkeys(
            (before + reading[1:], len(before) - 1)
            for before, reading in zip(passage.before.readings, passage.views.readings, strict=True)
            if before.strip()
        )
        # Whoever writes words in disguise gets no benefit of the doubt.
        open_ = not passage.views.is_disguised
        for reading, boundary in [*((reading, 0) for reading in alone), *joined]:
            for phrase in self._index.candidates(reading):
                rule = self._owner[phrase]
                if rule not in broken and self._breaks(rule, phrase, reading, boundary, alone):
                    broken[rule] = open_ and rule.category not in CONTEXT_FREE | COMFORTED
        for phrase in self._index.disguised(passage.views.skeletons):
            rule = self._owner[phrase]
            if not any(self._is_excused(rule, reading) for reading in alone):
                broken[rule] = False
        return broken

    def _breaks(
        self, rule: Rule, phrase: Phrase, reading: str, boundary: int, alone: Iterable[str]
    ) -> bool:
        """Say whether `phrase` counts; with a `boundary`, only where it reaches across it.

        A context counts in any of the text's own readings: guesses at words may have lost it.
        """
        matches = [m for m in phrase.matches(reading) if not boundary or m.start < boundary < m.end]
        if not matches or self._has_context(rule, (reading, *alone)):
            return False
        excused = [m for exception in rule.exceptions for m in exception.matches(reading)]
        return any(all(m.end <= e.start or m.start >= e.end for e in excused) for m in matches)

    def _has_context(self, rule: Rule, readings: Sequence[str]) -> bool:
        return any(
            context.is_in(reading) for context in rule.contexts for reading in readings
        ) and not any(phrase.is_in(reading) for phrase in self._real for reading in readings)

    def _is_excused(self, rule: Rule, reading: str) -> bool:
        return self._has_context(rule, (reading,)) or any(
            exception.is_in(reading) for exception in rule.exceptions
        )


def read_rules(tables: Tables, normaliser: Normaliser) -> dict[Side, RuleBook]:
    """Return the rule books of both sides; SafetyError names the file and the mistake."""
    shared: Lists = tables["words"].get("lists", {})
    contexts = {
        name: _phrases("contexts.toml", name, sources, shared, normaliser)
        for name, sources in tables["contexts"].items()
    }
    real = contexts.pop("real", ())
    rules: list[Rule] = []
    for file, table in tables.items():
        if file.startswith("rules_"):
            rules.extend(_read_file(f"{file}.toml", table, shared, contexts, normaliser))
    return {side: RuleBook(rules, side, real) for side in Side}


def _read_file(
    file: str,
    table: Mapping[str, Any],
    shared: Lists,
    contexts: Mapping[str, tuple[Phrase, ...]],
    normaliser: Normaliser,
) -> Iterator[Rule]:
    _check_keys(file, table, _FILE_KEYS)
    category = _enum(Category, file, table.get("category"))
    lists = {**shared, **table.get("lists", {})}
    for name, entries in lists.items():
        _check_words(file, f"list {name}", entries, normaliser)
    for entry in table.get("rule", ()):
        _check_keys(file, entry, _RULE_KEYS)
        name = str(entry.get("name", ""))
        if not name or not entry.get("phrases"):
            raise SafetyError(f"{file}: rule {name!r} needs a name and phrases")
        if entry.get("contexts") and category in CONTEXT_FREE:
            raise SafetyError(f"{file}: {name}: {category.value} has no excusing contexts")
        unknown = set(entry.get("contexts", ())) - contexts.keys()
        if unknown:
            raise SafetyError(f"{file}: {name}: no context {', '.join(sorted(unknown))}")
        if not isinstance(entry.get("weak", False), bool):
            raise SafetyError(f"{file}: {name}: weak is true or false")
        side = entry.get("side", "heard")
        rule = Rule(
            category=category,
            name=name,
            side=Side.HEARD if side == "both" else _enum(Side, file, side),
            action=_enum(Action, file, entry.get("action", table.get("action", "block"))),
            topic=str(entry.get("topic", table.get("topic", category.value))),
            bands=frozenset(
                _enum(AgeBand, file, band)
                for band in entry.get("bands", [b.value for b in AgeBand])
            ),
            phrases=_phrases(file, name, entry["phrases"], lists, normaliser),
            exceptions=_phrases(file, name, entry.get("except", ()), lists, normaliser),
            contexts=tuple(p for c in entry.get("contexts", ()) for p in contexts[c]),
            after=frozenset(_enum(Category, file, each) for each in entry.get("after", ())),
            is_weak=bool(entry.get("weak", False)),
        )
        yield rule
        if side == "both":
            yield replace(rule, side=Side.SAID)


def _phrases(
    file: str, where: str, sources: Iterable[str], lists: Lists, normaliser: Normaliser
) -> tuple[Phrase, ...]:
    _check_words(file, where, sources, normaliser)
    try:
        return tuple(Phrase(source, lists) for source in sources)
    except SafetyError as error:
        raise SafetyError(f"{file}: {where}: {error}") from None


def _check_words(file: str, where: str, sources: Iterable[str], normaliser: Normaliser) -> None:
    """Words that no reading can hold ("don't", "gonna") would make a rule that never fires."""
    for source in sources:
        for word in re.findall(r"(?<![{\w])[^\s()\[\]|^$.{}*]+(?![\w}])", source):
            if normaliser.words(word) != [word]:
                better = " ".join(normaliser.words(word))
                raise SafetyError(f"{file}: {where}: write {word!r} as {better!r}")


def _check_keys(file: str, table: Mapping[str, Any], known: set[str]) -> None:
    unknown = table.keys() - known
    if unknown:
        raise SafetyError(f"{file}: unknown field {', '.join(sorted(unknown))}")


def _enum(kind: type[_Kind], file: str, value: object) -> _Kind:
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(member.value for member in kind)
        raise SafetyError(f"{file}: {value!r} is none of {names}") from None
