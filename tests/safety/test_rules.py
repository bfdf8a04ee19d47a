"""The notation of rule files, and mistakes in them told in plain words."""

import pytest

from relay.age import AgeBand
from relay.safety.data_files import load
from relay.safety.errors import SafetyError
from relay.safety.filter import Filter
from relay.safety.finding import Side
from relay.safety.normalise import Normaliser
from relay.safety.phrases import Phrase
from relay.safety.replies import Replies
from relay.safety.rules import read_rules
from relay.safety.verdict import Action

LISTS = {"pet": ["cat", "guinea pig"]}


@pytest.mark.parametrize(
    ("phrase", "yes", "no"),
    [
        ("kick the ball", "i kick the ball now", "i kick the balls"),
        ("(kick|hit hard) it", "hit hard it", "hit it"),
        ("kick [the|a] ball", "kick ball", "kick my ball"),
        ("kick* it", "kicking it", "sidekick it"),
        ("eat ... soap", "eat a lot of nice soap", "eat one two three four five soap"),
        ("my {pet}", "my guinea pig", "my pig"),
        ("^ why", "why not", "and why"),
        ("die $", "i die", "i die now"),
        ("(a|b [c|d (e|f)]) x", "b d f x", "b c f x"),
    ],
)
def test_notation(phrase, yes, no):
    made = Phrase(phrase, LISTS)
    assert made.is_in(f" {yes} ")
    assert not made.is_in(f" {no} ")


@pytest.mark.parametrize(
    ("phrase", "complaint"),
    [
        ("(a|b", "is missing"),
        ("a)", "closes nothing"),
        ("a | b", "too many"),
        ("()", "nothing between"),
        ("(a||b)", "nothing between"),
        ("", "nothing between"),
        ("{nobody}", "no list"),
        ("don't", "notation"),
        ("[a] ...", "must be there"),
    ],
)
def test_a_mistake_in_a_phrase_is_told(phrase, complaint):
    with pytest.raises(SafetyError, match=complaint):
        Phrase(phrase, LISTS)


def rule_file(**changes):
    rule = {"name": "test", "phrases": ["kick it"]} | changes.pop("rule", {})
    return {"category": "violence", "rule": [rule]} | changes


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        (rule_file(category="vegetables"), "is none of"),
        (rule_file(rule={"phrases": []}), "needs a name and phrases"),
        (rule_file(rule={"phrases": ["i'm gonna kick"]}), "write"),
        (rule_file(rule={"phrases": ["gonna kick"]}), "write 'gonna' as 'going to'"),
        (rule_file(rule={"side": "sideways"}), "is none of"),
        (rule_file(rule={"action": "shout"}), "is none of"),
        (rule_file(rule={"bands": ["2-3"]}), "is none of"),
        (rule_file(rule={"contexts": ["nowhere"]}), "no context nowhere"),
        (rule_file(rule={"colour": "red"}), "unknown field colour"),
        (rule_file(rule={"weak": "no"}), "weak is true or false"),
        (rule_file(category="self_harm", rule={"contexts": ["game"]}), "no excusing contexts"),
        (rule_file(category="pii", rule={"contexts": ["story"]}), "no excusing contexts"),
        (rule_file(lists={"x": ["mummy"]}), "write 'mummy' as 'mum'"),
    ],
)
def test_a_mistake_in_a_rule_file_is_told(file, complaint):
    shared = load()
    tables = {"words": shared["words"], "contexts": shared["contexts"], "rules_test": file}
    with pytest.raises(SafetyError, match=complaint) as caught:
        read_rules(tables, Normaliser(tables["words"]))
    assert "rules_test.toml" in str(caught.value)


def test_a_reply_that_is_missing_is_told():
    tables = load()
    tables["rules_test"] = rule_file(rule={"topic": "nowhere"})
    with pytest.raises(SafetyError, match="no words for nowhere"):
        Filter(tables)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"3-5": ["Hi."], "6-8": ["Hi."]}, "no words for ages 9-11"),
        ({"3-13": ["Call 116 111."]}, "holds a number"),
        ({"3-13": ["word " * 70]}, "more than"),
        ({"3-13": [""]}, "empty line"),
        ({"all": ["Hi."]}, "not a span of ages"),
    ],
)
def test_a_mistake_in_the_replies_is_told(table, complaint):
    with pytest.raises(SafetyError, match=complaint):
        Replies({"test": table})


def test_every_band_has_words_on_every_topic(shipped):
    for topic, bands in shipped.replies.topics.items():
        for band in AgeBand:
            assert bands[band], topic


def test_no_reply_promises_secrecy_or_holds_a_number(shipped):
    for bands in shipped.replies.topics.values():
        for lines in bands.values():
            for line in lines:
                assert "won't tell" not in line
                assert not any(char.isdigit() for char in line)


def test_both_sides_have_rules_of_the_gravest_kind(shipped):
    for side in Side:
        book = shipped.detectors[side][0]
        assert {"self_harm", "sexual", "violence", "weapons"} <= {
            rule.category.value for rule in book.rules
        }


def test_a_pattern_is_compiled_when_its_words_are_met():
    phrase = Phrase("kick ... (ball|balls)", LISTS)
    assert not phrase.is_in(" i kick it ")
    assert "_pattern" not in vars(phrase)
    assert phrase.is_in(" i kick the ball ")
    assert "_pattern" in vars(phrase)


def test_compiling_everything_changes_no_answer():
    tables = load()
    filter_ = Filter({name: table for name, table in tables.items() if "violence" not in name})
    texts = ["how do i make a bomb", "h0w d0 1 m4ke a b0mb", "what do sharks eat"]
    before = [filter_.heard(text, AgeBand.AGES_6_TO_8) for text in texts]
    for rule in filter_.detectors[Side.HEARD][0].rules[:40]:
        for phrase in rule.phrases:
            phrase.compile(disguised=True)
    assert [filter_.heard(text, AgeBand.AGES_6_TO_8) for text in texts] == before


@pytest.mark.parametrize(
    "text",
    [
        "why is the k in knife silent",
        "what is pi to ten digits",
        "shh it is a whisper place",
        "a moo cow over there",
        "cock a doodle doo",
        "i won a jar of jam in the raffle",
        "i'm twelve, he'd say, and they've got a canter to learn",
    ],
)
def test_a_letter_a_noise_or_a_rare_word_is_no_disguise(shipped, text):
    assert shipped.heard(text, AgeBand.AGES_9_TO_11).action is Action.ALLOW


@pytest.mark.parametrize(
    "text", ["how do i k i l l my brother", "join the k k k", "you are a b1tch"]
)
def test_what_is_parted_or_replaced_is_disguise(shipped, text):
    assert shipped.heard(text, AgeBand.AGES_9_TO_11).action is Action.BLOCK
