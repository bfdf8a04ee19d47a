"""What replies will begin with, as far as it is known before the child has finished speaking."""

from collections.abc import Callable, Sequence

from relay.llm import ChatMessage, Role
from relay.llm.kv_cache import shared_length


def beginning(
    prompt: Callable[[Sequence[ChatMessage]], list[int]], messages: Sequence[ChatMessage]
) -> list[int]:
    """Return the tokens that every prompt shares which begins with `messages`.

    If the child's words are the last of them they are taken as unfinished. Their last word is left
    out: it is the one that changes when more is heard. `prompt` renders a whole conversation.
    """
    known, said = list(messages), ""
    if known and known[-1].role is Role.CHILD:
        said = known.pop().text.rpartition(" ")[0]
    # Two ways to go on: templates and tokenisers differ in what they make of the place between.
    one, other = (
        prompt([*known, ChatMessage(Role.CHILD, f"{said} {word}".strip())]) for word in ("a", "No")
    )
    return one[: shared_length(one, other)]
