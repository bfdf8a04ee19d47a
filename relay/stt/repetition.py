"""Whisper's way of failing: it says the same words again and again until it runs out of room."""

from collections.abc import Sequence

LONGEST = 16
"""Tokens in the longest phrase that is looked for."""

MANY = 4
"""A phrase said this often in a row is a loop; "no, no, no" is a child."""

SENTENCE = 6
"""Tokens of a phrase that is a loop when it is said twice and then begun again at the very end."""


def loop_start(tokens: Sequence[int]) -> int | None:
    """Return where the second saying of a phrase begins that is said MANY times; None if none is.

    A phrase of three tokens and more is a loop when it is said three times, a whole sentence when
    it is said twice and the text breaks off in a third: the model ran out of room.
    """
    for length in range(1, LONGEST + 1):
        needed = MANY if length < 3 else MANY - 1
        for start in range(len(tokens) - 2 * length):
            phrase = list(tokens[start : start + length])
            said = 1
            while list(tokens[start + said * length : start + (said + 1) * length]) == phrase:
                said += 1
            rest = list(tokens[start + said * length :])
            broken_off = length >= SENTENCE and said > 1 and 0 < len(rest) < length
            if said >= needed or (broken_off and rest == phrase[: len(rest)]):
                return start + length
    return None
