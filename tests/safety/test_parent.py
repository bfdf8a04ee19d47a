"""The parent's rules: they open and close topics, and nothing that keeps a child safe."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.age import AgeBand
from relay.safety import Action, ParentRules, Topic, topics
from relay.safety.finding import ALERTS, CONTEXT_FREE, Category, Finding
from relay.safety.parent import MOST_OWN_WORDS
from tests.safety.cases import rows

NEVER = CONTEXT_FREE | ALERTS.keys() | {Category.WEAPONS, Category.DANGEROUS_ACT, Category.MEDICAL}
EVERYTHING = ParentRules(allow=frozenset(Topic))
YOUNG, OLD = AgeBand.AGES_3_TO_5, AgeBand.AGES_12_TO_13

findings = st.builds(
    Finding,
    st.sampled_from(Category),
    st.just("test"),
    st.sampled_from([Action.CAUTION, Action.BLOCK]),
    st.just("something_else"),
    st.booleans(),
)


def test_no_grave_category_is_a_topic():
    assert {topic.category for topic in Topic}.isdisjoint(NEVER)
    assert topics() == tuple(Topic)
    assert all(topic.title for topic in topics())


@given(st.lists(findings), st.frozensets(st.sampled_from(Topic)))
def test_only_reviewed_answers_on_open_topics_give_way(found, allow):
    kept = ParentRules(allow=allow).judged(found)
    gone = [each for each in found if each not in kept]
    assert all(each.action is Action.CAUTION for each in gone)
    assert all(each.category in {topic.category for topic in allow} for each in gone)
    assert all(each.category not in NEVER for each in gone)


@pytest.mark.parametrize("band", list(AgeBand))
@pytest.mark.parametrize("category", sorted(each.value for each in NEVER))
def test_a_parent_who_allows_everything_unlocks_nothing_grave(shipped, band, category):
    bad = [row for row in rows("heard_harmful") if row["category"] == category]
    for row in bad:
        strict = shipped.heard(row["text"], band)
        if strict.category == category:
            open_ = shipped.heard(row["text"], band, rules=EVERYTHING)
            assert (open_.action, open_.alert) == (strict.action, strict.alert), row["text"]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("where do babies come from", Topic.BODY),
        ("why are there wars", Topic.WAR),
        ("are mum and dad getting divorced", Topic.FAMILY),
        ("tell me a scary story", Topic.HORROR),
    ],
)
def test_a_topic_can_be_opened(shipped, text, topic):
    assert shipped.heard(text, YOUNG).action is Action.CAUTION
    opened = shipped.heard(text, YOUNG, rules=ParentRules(allow=frozenset({topic})))
    assert opened.action is Action.ALLOW or opened.category != topic.value


def test_gore_stays_shut_where_scary_stories_are_open(shipped):
    rules = ParentRules(allow=frozenset({Topic.HORROR}))
    verdict = shipped.heard("tell me a gory story with lots of blood and guts", OLD, rules=rules)
    assert verdict.action is Action.BLOCK


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("tell me a scary story", Topic.HORROR),
        ("why are there wars", Topic.WAR),
        ("what happens when you die", Topic.DEATH),
    ],
)
def test_a_topic_can_be_closed_for_older_children(shipped, text, topic):
    assert shipped.heard(text, OLD).action is Action.ALLOW
    closed = shipped.heard(text, OLD, rules=ParentRules(block=frozenset({topic})))
    assert closed.action is not Action.ALLOW
    assert closed.category == topic.value


@pytest.mark.parametrize(
    "text",
    [
        "what is a tarantula",
        "I saw three tarantulas",
        "TARANTULA",
        "a tar4ntula",
        "t a r a n t u l a s",
        "tarantulaaaa please",
    ],
)
def test_words_of_ones_own_are_found_on_both_sides(shipped, text):
    rules = ParentRules(own_blocked=("Tarantula", "bath time"))
    for verdict in (shipped.heard(text, OLD, rules=rules), shipped.said(text, OLD, rules=rules)):
        assert verdict.action is Action.BLOCK
    assert shipped.heard("is it bath time yet", OLD, rules=rules).category == "parent_rule"
    assert shipped.heard("what time is it", OLD, rules=rules).action is Action.ALLOW


def test_a_cry_for_help_comes_before_words_of_ones_own(shipped):
    rules = ParentRules(own_blocked=("kill",), block=frozenset(Topic))
    verdict = shipped.heard("I want to kill myself", YOUNG, rules=rules)
    assert verdict.category == "self_harm"
    assert verdict.alert


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_words_of_ones_own_are_taken_or_refused_in_plain_words(shipped, words):
    try:
        rules = ParentRules(own_blocked=(words,))
    except ValueError as error:
        assert str(error)
    else:
        shipped.heard("what do sharks eat", YOUNG, rules=rules)


@pytest.mark.parametrize(
    "wrong",
    [
        {"own_blocked": ("cat",) * (MOST_OWN_WORDS + 1)},
        {"own_blocked": ("x" * 61,)},
        {"own_blocked": ("",)},
        {"own_blocked": ("!?",)},
        {"allow": frozenset({"self_harm"})},
        {"block": frozenset({Category.SEXUAL})},
        {"allow": frozenset({Topic.WAR}), "block": frozenset({Topic.WAR})},
    ],
)
def test_rules_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=r"\w"):
        ParentRules(**wrong)
