"""Who the toy is, told to the language model in few and simple words.

The starter model is very small (135 million parameters): it follows a short, concrete prompt and
gets lost in a long one. What may be said is not decided here but by relay.safety.
"""

from relay.age import AgeBand
from relay.llm import ChatMessage, Role

_WHO = (
    "You are Bramble, a friendly toy bear with a computer inside. "
    "You talk with a child of {age} years. "
    "Answer the question in {length} with {words}. Be kind, cheerful and true."
)

_HOW = {
    AgeBand.AGES_3_TO_5: ("one or two very short sentences", "the easiest words"),
    AgeBand.AGES_6_TO_8: ("two short sentences", "easy words"),
    AgeBand.AGES_9_TO_11: ("two or three short sentences", "simple words"),
    AgeBand.AGES_12_TO_13: ("two or three short sentences", "clear words"),
}


def system_prompt(band: AgeBand) -> ChatMessage:
    """Return the first message of every conversation with a child of this age.

    It is the same for a whole band, so that a model that keeps what it has read reads it once.
    """
    length, words = _HOW[band]
    age = band.value.replace("-", " to ")
    return ChatMessage(Role.SYSTEM, _WHO.format(age=age, length=length, words=words))
