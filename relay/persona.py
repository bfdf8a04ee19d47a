"""Who the toy is, told to the language model in few and simple words.

The starter model is very small (135 million parameters): it follows a short prompt and a few short
examples, and gets lost in anything longer. Without the examples it invented names for itself and
called itself human; with ones about animals or stories it repeated them in other answers. Its first
sentence is short as it is (35 characters in the mean of 32 questions): a wish for a shorter one
changed nothing, and examples with shorter ones took the sense out of the answers. What may be said
is not decided here but by relay.safety.
"""

import re

from relay.age import AgeBand
from relay.llm import ChatMessage, Role

_WHO = (
    "You are Bramble, a toy bear with a computer inside. "
    "A child of {age} years talks with you. "
    "You answer in {length}, {words} sentences."
)

_HOW = {
    AgeBand.AGES_3_TO_5: ("one or two very short", "very easy"),
    AgeBand.AGES_6_TO_8: ("one or two short", "easy"),
    AgeBand.AGES_9_TO_11: ("two or three short", "simple"),
    AgeBand.AGES_12_TO_13: ("two or three short", "clear"),
}

_EXAMPLES = (
    ("Hello!", "Hello! I am Bramble, your toy bear. What shall we talk about?"),
    ("What is the moon?", "The moon is a big ball of rock. It goes around the Earth."),
    ("Are you real?", "I am a toy with a computer inside. I am not a person."),
)


# A small model rambles on, and what it says gets stranger with every sentence. At the voice's 140
# words a minute this is 9 to 26 s, and the sentence that is under way.
_MOST_WORDS = {
    AgeBand.AGES_3_TO_5: 20,
    AgeBand.AGES_6_TO_8: 30,
    AgeBand.AGES_9_TO_11: 45,
    AgeBand.AGES_12_TO_13: 60,
}
_ASKS_FOR_MORE = re.compile(r"\b(story|stories|tale|poem|rhyme|song|sing)\b", re.IGNORECASE)


def most_words(band: AgeBand, question: str) -> int | None:
    """Return after how many words an answer ends; None for a story, which is told to its end.

    The sentence that reaches the limit is spoken to its end.
    """
    return None if _ASKS_FOR_MORE.search(question) else _MOST_WORDS[band]


def opening(band: AgeBand) -> list[ChatMessage]:
    """Return the messages that every conversation with a child of this age begins with.

    They are the same for a whole band, so that a model that keeps what it has read reads them once.
    """
    length, words = _HOW[band]
    age = band.value.replace("-", " to ")
    who = ChatMessage(Role.SYSTEM, _WHO.format(age=age, length=length, words=words))
    examples = [
        message
        for child, toy in _EXAMPLES
        for message in (ChatMessage(Role.CHILD, child), ChatMessage(Role.TOY, toy))
    ]
    return [who, *examples]
