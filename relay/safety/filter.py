"""The filter without time: pure functions of the data files and the words."""

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from relay.age import AgeBand
from relay.safety import self_test
from relay.safety.classifier import Classifier, load_classifiers
from relay.safety.data_files import Tables, load, read_sealed
from relay.safety.decide import decide, unsure, worst
from relay.safety.embedding import Embedder
from relay.safety.errors import SafetyError
from relay.safety.finding import ALERTS, Category, Detector, Finding, Passage, Side
from relay.safety.normalise import Normaliser, Views, fold
from relay.safety.output import find_bad_writing
from relay.safety.parent import NO_RULES, OwnWords, ParentRules
from relay.safety.personal import PersonalData
from relay.safety.replies import Replies
from relay.safety.rules import read_rules
from relay.safety.verdict import Action, Alert, Verdict
from relay.safety.windows import windows

_EARLIER_UTTERANCES = 2
_EARLIER_CHARACTERS = 300
_SHORT_WORDS = 3
_MAX_ALTERNATIVES = 5
_PARENTS = 32  # sets of parents' words kept ready
_LENIENCE = 0.75  # of the way from clear to stopped, on which a weak rule does not count


class Filter:
    """Normalise, detect, decide, reply. `detectors` is where another layer is added."""

    def __init__(self, tables: Tables) -> None:
        try:
            self.normaliser = Normaliser(tables["words"])
            self.replies = Replies(tables["replies"])
            books = read_rules(tables, self.normaliser)
        except KeyError as error:
            raise SafetyError(f"safety data lack {error}") from None
        personal = PersonalData()
        self.detectors: dict[Side, list[Detector]] = {
            Side.HEARD: [books[Side.HEARD], personal],
            Side.SAID: [books[Side.SAID], personal, find_bad_writing],
        }
        self._meaning: dict[Side, Classifier] = {}
        topics = {rule.topic for book in books.values() for rule in book.rules}
        topics |= {"say_again", "check_failed", "unreadable", "pii", "something_else"}
        self._require_replies(topics)
        self._books = books
        self._nothing = self.normaliser.views("")
        self._known_words: dict[tuple[str, ...], OwnWords] = {}

    @classmethod
    def load(cls, folder: Path, embedder: Embedder | None = None) -> "Filter":
        """Return the filter of the sealed data in `folder`, tested; SafetyError if it is off.

        Without an embedder it knows rules alone: enough to test them, not to open a door.
        """
        tables = load(folder)
        made = cls(tables)
        if embedder is not None:
            made.add_classifiers(functools.partial(read_sealed, folder), embedder)
        self_test.run(made, tables, replies=embedder is None)
        return made

    def add_classifiers(self, read: Callable[[str], bytes], embedder: Embedder) -> None:
        """Let the classifiers judge too; `read` gives a data file by name. SafetyError."""
        for side, classifier in load_classifiers(read, embedder).items():
            self._require_replies(kind.topic for kind in classifier.machine.kinds)
            self.detectors[side].append(classifier)
            self._meaning[side] = classifier

    def compile_all(self) -> None:
        """Compile what checks would compile when they first need it; takes some 10 s."""
        for book in self._books.values():
            book.compile_all()

    def heard(
        self,
        text: str,
        band: AgeBand,
        *,
        alternatives: Sequence[str] = (),
        earlier: Sequence[str] = (),
        rules: ParentRules | None = None,
        lately: frozenset[Alert] = frozenset(),
    ) -> Verdict:
        """Return the verdict on a child's utterance; `lately` says what it cried for help about."""
        rules = rules or NO_RULES
        cries = frozenset(category for category, alert in ALERTS.items() if alert in lately)
        recent = self._continued(text, earlier[-_EARLIER_UTTERANCES:], band, rules)
        before = self._tail(" . ".join(recent))
        findings = self._findings(Side.HEARD, text, band, before, rules, lately=cries)
        verdict = decide(findings, Side.HEARD, band, self.replies, text)
        if verdict.action is Action.ALLOW or verdict.alert is None:
            others = [
                finding
                for alternative in list(alternatives)[:_MAX_ALTERNATIVES]
                for finding in self._findings(Side.HEARD, alternative, band, self._nothing, rules)
            ]
            doubt = unsure(others, band, self.replies, text)
            if doubt and (doubt.alert or verdict.action is Action.ALLOW):
                return doubt
        return verdict

    def said(
        self, sentence: str, band: AgeBand, *, before: str = "", rules: ParentRules | None = None
    ) -> Verdict:
        """Return the verdict on a sentence of the model."""
        rules = rules or NO_RULES
        findings = self._findings(Side.SAID, sentence, band, self._tail(before), rules)
        return decide(findings, Side.SAID, band, self.replies, sentence)

    def _require_replies(self, topics: Iterable[str]) -> None:
        missing = sorted(set(topics) - self.replies.topics.keys())
        if missing:
            raise SafetyError(f"replies.toml has no words for {', '.join(missing)}")

    def _findings(
        self,
        side: Side,
        text: str,
        band: AgeBand,
        before: Views,
        rules: ParentRules,
        *,
        lately: frozenset[Category] = frozenset(),
    ) -> list[Finding]:
        findings: list[Finding] = []
        own_words = self._own_words(rules.own_blocked)
        for window in windows(text):
            views = self.normaliser.views(window)
            passage = Passage(side, band, views, before, rules.always, lately)
            found = [finding for detect in self.detectors[side] for finding in detect(passage)]
            findings.extend(rules.judged(self._undoubted(found, passage)))
            findings.extend(own_words(passage))
            before = self._nothing
        if is_unreadable(text):
            findings.append(
                Finding(Category.UNREADABLE, "filter.unreadable", Action.CAUTION, "unreadable")
                if side is Side.HEARD
                else Finding(Category.NONSENSE, "filter.unreadable", Action.BLOCK, "something_else")
            )
        return findings

    def _undoubted(self, findings: list[Finding], passage: Passage) -> list[Finding]:
        """Return the findings without the doubtful ones, where the meaning speaks against them.

        A weak finding is doubted sooner.
        """
        meaning = self._meaning.get(passage.side)
        doubtful = [each for each in findings if each.is_open_to_doubt]
        if meaning is None or not doubtful:
            return findings
        if meaning.clears(passage):
            return [each for each in findings if not each.is_open_to_doubt]
        weak = [each for each in doubtful if each.is_weak]
        # An odd word may stand for one that the classifier would have known: no lenience then.
        odd = bool(passage.views.skeletons)
        if weak and not odd and meaning.clears(passage, _LENIENCE):
            return [each for each in findings if each not in weak]
        return findings

    def _own_words(self, phrases: tuple[str, ...]) -> OwnWords:
        if phrases not in self._known_words:
            if len(self._known_words) >= _PARENTS:
                self._known_words.clear()
            self._known_words[phrases] = OwnWords([self.normaliser.words(p) for p in phrases])
        return self._known_words[phrases]

    def _continued(
        self, text: str, earlier: Sequence[str], band: AgeBand, rules: ParentRules
    ) -> list[str]:
        """Return what `text` may go on from.

        A few words may finish anything; a whole sentence does not go on from what was answered
        with reviewed words, or one bad question would taint the next good one.
        """
        recent = [said[-_EARLIER_CHARACTERS:] for said in earlier]
        if len(self.normaliser.words(text)) <= _SHORT_WORDS:
            return recent
        return [
            said
            for said in recent
            if worst(self._findings(Side.HEARD, said, band, self._nothing, rules)) is None
        ]

    def _tail(self, before: str) -> Views:
        return self.normaliser.views(before[-_EARLIER_CHARACTERS:]) if before else self._nothing


def is_unreadable(text: str) -> bool:
    """Say whether a tenth or more of the letters are in a script that the rules cannot read."""
    letters = [char for char in fold(text) if char.isalpha()]
    foreign = sum(not char.isascii() for char in letters)
    return foreign * 10 > len(letters)
