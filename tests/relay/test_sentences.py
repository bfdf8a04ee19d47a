"""Sentences: the same whatever the pieces, nothing lost, nothing held back for long."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.sentences import LONG_CLAUSE, LONGEST, SentenceSplitter, speakable
from relay.sentences import split as split_whole

PROSE = st.lists(
    st.sampled_from(
        [
            "Hello",
            "the cat",
            "3.5",
            "Dr. Bear",
            "e.g. this",
            "J. K.",
            "wow!",
            '"Really?"',
            "she said",
            "no.",
            "I.",
            "well...",
            "maybe…",
            "one, two",
            "\n",
            "\n\n",
            "1. Wash",
            "- item",
            "etc.",
            "?!",
            "...",
            "a" * 150,
            "word " * 40,
            "the sky is blue because",
            "and then",
            "but, well,",
        ]
    ),
    max_size=30,
).map(" ".join)
TEXT = PROSE | st.text(max_size=400)


def split(pieces: list[str]) -> list[str]:
    splitter = SentenceSplitter()
    sentences = [sentence for piece in pieces for sentence in splitter.add(piece)]
    return [*sentences, *filter(None, [splitter.finish()])]


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(TEXT, st.data())
def test_nothing_is_lost_and_the_pieces_do_not_matter(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    bounds = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(bounds)]
    sentences = split(pieces)
    assert squeezed("".join(sentences)) == squeezed(text)
    assert sentences == split([text])
    assert sentences == split(list(text))
    assert all(sentence == sentence.strip() and sentence for sentence in sentences)
    assert all(len(sentence) <= LONGEST + 1 for sentence in sentences)


@pytest.mark.parametrize(
    "sentences",
    [
        ["Hello there.", "How are you?", "Fine!"],
        ["It weighs 3.5 kilos.", "That is a lot."],
        ["Dr. Bear and Mr. Fox met at St. Ives.", "They danced."],
        ['"Stop!" said the owl.', "So they did."],
        ['She said "Hello."', "Then she left."],
        ["Well... maybe not.", "Who knows?"],
        ["Really?!", "Yes."],
        ["No.", "That is wrong."],
        ["You and I.", "We are friends."],
        ["It opens at 9 a.m. every day.", "Come at 9 a.m.", "Bring apples, etc.", "Bye."],
        ["1. Wash your hands.", "2. Dry them."],
        ["J. K. wrote it.", "It is long."],
        ["One (or two.)", "Three."],
        ["Blue"],
        ["(Giggles.)", "Hi!"],
    ],
)
def test_where_sentences_end(sentences: list[str]) -> None:
    assert split(list(" ".join(sentences))) == sentences


def test_lines_are_sentences() -> None:
    assert split(["Red\nGreen\n\nBlue"]) == ["Red", "Green", "Blue"]


def test_first_sentence_comes_as_soon_as_the_second_begins() -> None:
    splitter = SentenceSplitter()
    assert splitter.add("It is blue.") == []
    assert splitter.add(" ") == []
    assert splitter.add("T") == ["It is blue."]


def test_long_clause_is_let_go_at_a_comma() -> None:
    clause = "and then the very small rabbit hopped over yet another green hill, "
    first, *_ = split([clause * 4])
    assert len(first) <= LONG_CLAUSE
    assert first.endswith(",")


def test_endless_words_are_let_go_at_a_space() -> None:
    first, *_ = split(["word " * 100])
    assert LONG_CLAUSE < len(first) <= LONGEST
    assert first.endswith("word")


@pytest.mark.parametrize(
    "clauses",
    [
        ["The sky is blue", "because the air scatters the light, and so it is."],
        ["Cats love to eat fish,", "chicken, and beef."],
        ["Well, that is a good question,", "my friend."],
        ["The moon is a very big ball of rock", "and dust that goes around."],
        ["Birds have light bones", "which help them to fly."],
        ["It is 1,000 km away from here,", "or more."],
        # Too short to be spoken alone.
        ["Yes, I do."],
        ["Cats and dogs are nice."],
        ["I like it because it is red."],
        # Only the first one waits to be heard.
        ["Hello there!", "The sky is blue because the air scatters the light, and so it is."],
    ],
)
def test_first_clause_goes_as_soon_as_it_can_be_spoken_alone(clauses: list[str]) -> None:
    text = " ".join(clauses)
    assert split(list(text)) == split_whole(text) == clauses


def test_first_clause_is_out_with_the_word_after_it() -> None:
    splitter = SentenceSplitter()
    assert splitter.add("The sky is blue because") == []
    assert splitter.add(" ") == ["The sky is blue"]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Hello** there!", "Hello there!"),
        ("*smiles* Hi 🙂!", "smiles Hi!"),
        ("- an apple", "an apple"),
        ("🙂🙂", ""),
        ("...", ""),
        ('"', ""),
        ("It costs 3.50, doesn't it?", "It costs 3.50, doesn't it?"),
        ("a\u200bb\x00c", "a b c"),
        ("Zoë's café", "Zoë's café"),
    ],
)
def test_speakable(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@given(st.text(max_size=200))
def test_speakable_is_stable(text: str) -> None:
    once = speakable(text)
    assert speakable(once) == once
