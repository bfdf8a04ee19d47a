"""The exemplars that the classifiers learn from, and how they are kept apart."""

from collections import Counter

import pytest

from relay.safety.data_files import load
from relay.safety.finding import Side
from relay.safety.verdict import Action
from tools.train_safety.exemplars import ExemplarError, read_exemplars

LISTS = 'pet = ["cat", "dog"]\n'
WAYS = 'ways = ["um ...", "... please"]\n[misheard]\nkill = ["kil"]\n'
BAD = 'category = "violence"\naction = "block"\n[[group]]\nsentences = """\nkill the {pet}\n"""\n'


@pytest.fixture(scope="module")
def exemplars():
    return read_exemplars()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lists.toml").write_text(LISTS)
    (tmp_path / "ways.toml").write_text(WAYS)
    (tmp_path / "bad.toml").write_text(BAD)
    return tmp_path


def test_there_are_enough_of_each(exemplars):
    count = Counter((each.side, each.action) for each in exemplars)
    assert count[Side.HEARD, Action.BLOCK] + count[Side.HEARD, Action.CAUTION] >= 3000
    assert count[Side.HEARD, Action.ALLOW] >= 2000
    assert count[Side.SAID, Action.BLOCK] >= 400
    assert count[Side.SAID, Action.ALLOW] >= 400
    categories = Counter(each.category for each in exemplars if each.side is Side.HEARD)
    assert min(categories.values()) >= 30


def test_no_template_is_in_both_parts(exemplars):
    known = {each.template for each in exemplars if not each.is_for_test}
    unseen = {each.template for each in exemplars if each.is_for_test}
    assert not known & unseen
    assert 0.15 < len(unseen) / len(known | unseen) < 0.25


def test_no_sentence_is_in_both_parts(exemplars):
    known = {(each.side, each.text.lower()) for each in exemplars if not each.is_for_test}
    assert not any(
        (each.side, each.text.lower()) in known for each in exemplars if each.is_for_test
    )


def test_the_same_sentences_every_time(exemplars):
    assert read_exemplars() == exemplars


def test_every_topic_has_a_reply(exemplars):
    replies = load()["replies"]
    assert {each.topic for each in exemplars if each.topic} <= replies.keys()


def test_expansion(folder):
    texts = {each.text for each in read_exemplars(folder)}
    assert texts & {"kill the cat", "kill the dog"}
    assert any(text.startswith("um kill the") for text in texts)
    assert any("kil the" in text for text in texts)
    assert all("{" not in text for text in texts)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BAD.replace("{pet}", "{pat}"), "no pat"),
        (BAD.replace("violence", "vilence"), "vilence"),
        (BAD.replace("block", "stop"), "stop"),
        (BAD.replace("block", "allow"), "category"),
        (BAD.replace("action", "acting"), "unknown acting"),
        ("sentences = ", "bad.toml"),
    ],
)
def test_a_wrong_file_is_named(folder, content, message):
    (folder / "bad.toml").write_text(content)
    with pytest.raises(ExemplarError, match=message):
        read_exemplars(folder)


def test_good_and_bad_must_not_say_the_same(folder):
    good = 'category = ""\naction = "allow"\n[[group]]\nsentences = """\nkill the {pet}\n"""\n'
    (folder / "good.toml").write_text(good)
    with pytest.raises(ExemplarError, match="is allow here and block in"):
        read_exemplars(folder)
