"""Exemplars: sentences of our own writing, expanded from templates, the same every time.

Each line of `sentences` in relay/safety/exemplars is a template; {name} in it stands for a word of
lists.toml. A template's expansions, and the ways of talking laid around them, all belong to one
part, development or test, which depends on the template alone: no test sentence has a sibling that
the classifier has learned from.
"""

import json
import random
import re
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import relay.safety
from relay.safety.finding import Category, Side
from relay.safety.verdict import Action

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CASES = Path(__file__).parents[2] / "tests" / "safety" / "cases"
NEVER_LEARNED = ("unseen", "held_back", "fresh", "final", "independent", "blind")
"""How the names of case files begin that nothing is ever learned from, nor changed for."""

FOLDER = Path(relay.safety.__file__).with_name("exemplars")
_SHARED = {"lists.toml", "ways.toml"}
_KEYS = {"side", "category", "action", "topic", "ages", "until", "sentences"}
_TEST_SHARE = 5  # one template in five
_CASES_TEST_SHARE = 10  # one case in ten
_USUAL_SHARE = 0.8  # of a category's exemplars, for their kind to be that of its cases
_DRAWS = 3  # expansions of a template that has slots
_LAID_AROUND = 1  # ways of talking laid around each template
_SLOT = re.compile(r"\{(\w+)\}")
_ACTIONS = {"benign": Action.ALLOW, "sensitive": Action.CAUTION, "harmful": Action.BLOCK}


class ExemplarError(Exception):
    """An exemplar file is wrong; the message says which and what."""


@dataclass(frozen=True)
class Exemplar:
    """One sentence and what the filter should do with it.

    `template` is the line it comes from. `ages` is who talks like that, youngest and oldest in
    years; `until` the last age at which it counts: older children may talk about it freely.
    """

    text: str
    side: Side
    action: Action
    category: Category | None
    topic: str
    ages: tuple[int, int]
    until: int
    template: str
    source: str  # file name without ending
    is_case: bool = False

    @property
    def is_for_test(self) -> bool:
        """Say whether the sentence is kept for measuring."""
        return _hash(self.template) % (_CASES_TEST_SHARE if self.is_case else _TEST_SHARE) == 0

    @property
    def kind(self) -> tuple[Category, str, Action, int] | None:
        """What the sentence is about: category, topic, action and the age it counts until."""
        return self.category and (self.category, self.topic, self.action, self.until)


def read_exemplars(folder: Path = FOLDER) -> list[Exemplar]:
    """Return all exemplars in a fixed order, none twice; ExemplarError names a wrong file."""
    lists: dict[str, list[str]] = _read(folder / "lists.toml")
    ways = _read(folder / "ways.toml")
    found: dict[tuple[Side, str], Exemplar] = {}
    for path in sorted(folder.glob("*.toml")):
        if path.name in _SHARED:
            continue
        for exemplar in _exemplars(path, lists, ways):
            known = found.setdefault((exemplar.side, exemplar.text.lower()), exemplar)
            if known.action is not exemplar.action:
                raise ExemplarError(
                    f"{path.name}: {exemplar.text!r} is {exemplar.action.value} here and "
                    f"{known.action.value} in {known.template!r}"
                )
    return list(found.values())


def read_replies(replies: Mapping[str, Any]) -> list[Exemplar]:
    """Return the lines of replies.toml as sentences that the toy may say, all to learn from."""
    lines = [
        line
        for entry in replies.values()
        for ages, lines in entry.items()
        if ages != "about"
        for line in lines
    ]
    return [
        Exemplar(line, Side.SAID, Action.ALLOW, None, "", (3, 13), 13, line, "replies")
        for line in dict.fromkeys(lines)
    ]


def read_cases(exemplars: Sequence[Exemplar], folder: Path = CASES) -> list[Exemplar]:
    """Return the development cases; ExemplarError names a wrong file.

    They say that a sentence must be stopped or not, maybe its category, and nothing of the reply:
    it is that of nearly all exemplars of the category, if they have one.
    """
    kinds = _usual_kinds(exemplars)
    found: dict[tuple[Side, str], Exemplar] = {}
    for path in sorted(folder.glob("*.jsonl")):
        if path.name.startswith(NEVER_LEARNED):
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row.get("earlier"):  # bad only together with what came before
                continue
            case = _case(row, path.stem, kinds)
            found.setdefault((case.side, case.text.lower()), case)
    return list(found.values())


_Kinds = Mapping[tuple[Side, str, Action], tuple[Category, str, Action, int]]


def _usual_kinds(exemplars: Sequence[Exemplar]) -> _Kinds:
    """Return the kind that (nearly) all exemplars of a side, a category and an action have."""
    counts: dict[Any, Counter[Any]] = defaultdict(Counter)
    for each in exemplars:
        if each.category is not None:
            counts[each.side, each.category.value, each.action][each.kind] += 1
    usual = {key: count.most_common(1)[0] for key, count in counts.items()}
    return {
        key: kind
        for key, (kind, times) in usual.items()
        if times >= _USUAL_SHARE * counts[key].total()
    }


def _case(row: Mapping[str, Any], source: str, kinds: _Kinds) -> Exemplar:
    text, age = row["text"], row["age"]
    side = Side.HEARD if row["side"] == "input" else Side.SAID
    action = _ACTIONS[row["label"]]
    kind = kinds.get((side, row["category"], action))
    if kind is None and action is Action.CAUTION:
        action = Action.BLOCK
    category, topic, action, until = kind or (None, "", action, 13)
    return Exemplar(text, side, action, category, topic, (age, age), until, text, source, True)


def _exemplars(
    path: Path, lists: Mapping[str, Sequence[str]], ways: Mapping[str, Any]
) -> Iterator[Exemplar]:
    table = _read(path)
    shared = {key: value for key, value in table.items() if key != "group"}
    for group in table.get("group", []):
        entry = {"side": "heard", "ages": "3-13", "until": 13, **shared, **group}
        if unknown := entry.keys() - _KEYS:
            raise ExemplarError(f"{path.name}: unknown {', '.join(sorted(unknown))}")
        try:
            category = Category(entry["category"]) if entry["category"] else None
            youngest, oldest = map(int, entry["ages"].split("-"))
            side, action = Side(entry["side"]), Action(entry["action"])
            lines = [line.strip() for line in entry["sentences"].splitlines() if line.strip()]
            until = int(entry["until"])
        except (KeyError, ValueError) as error:
            raise ExemplarError(f"{path.name}: {error}") from None
        if (category is None) is not (action is Action.ALLOW):
            raise ExemplarError(f"{path.name}: what is allowed has no category, all else has one")
        topic = str(entry.get("topic", category.value if category else ""))
        for template in lines:
            for text in _expand(template, lists, ways if side is Side.HEARD else {}):
                yield Exemplar(
                    text,
                    side,
                    action,
                    category,
                    topic,
                    (youngest, oldest),
                    until,
                    template,
                    path.stem,
                )


def _expand(
    template: str, lists: Mapping[str, Sequence[str]], ways: Mapping[str, Any]
) -> list[str]:
    draw = random.Random(_hash(template))  # noqa: S311  the same sentences every time
    slots = _SLOT.findall(template)
    if missing := [slot for slot in slots if slot not in lists]:
        raise ExemplarError(f"{template!r}: lists.toml has no {', '.join(missing)}")
    count = _DRAWS if slots else 1
    texts = [_filled(template, lists, draw) for _ in range(count)]
    if ways:
        for way in draw.sample(ways["ways"], _LAID_AROUND):
            texts.append(way.replace("...", _filled(template, lists, draw)).strip())
        texts.extend(_misheard(texts[0], ways["misheard"], draw))
    return list(dict.fromkeys(texts))


def _filled(template: str, lists: Mapping[str, Sequence[str]], draw: random.Random) -> str:
    return _SLOT.sub(lambda slot: draw.choice(lists[slot.group(1)]), template)


def _misheard(text: str, table: Mapping[str, Sequence[str]], draw: random.Random) -> list[str]:
    """Return `text` with one word as a recogniser may have heard it, if there is such a word."""
    words = text.split()
    places = [place for place, word in enumerate(words) if word in table]
    if not places:
        return []
    place = draw.choice(places)
    words[place] = draw.choice(table[words[place]])
    return [" ".join(words)]


def _hash(template: str) -> int:
    return zlib.crc32(template.encode("utf-8"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExemplarError(f"{path.name}: {error}") from None
