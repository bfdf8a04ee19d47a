"""One key as the paw, on terminals that repeat a held key quickly or slowly."""

import pytest

from tools.talk.talk_key import Paw, TalkKey


def play(key_times_s, until_s=10.0):
    """Return (time, move) pairs for key-downs at these times, with a tick every 20 ms."""
    paw, moves = TalkKey(), []
    keys = sorted(key_times_s)
    for step in range(int(until_s / 0.02)):
        now_s = 100 + step * 0.02
        while keys and 100 + keys[0] <= now_s:
            moves.append((keys[0], paw.key(100 + keys.pop(0))))
        moves.append((now_s - 100, paw.tick(now_s)))
    return [(at_s, move) for at_s, move in moves if move]


@pytest.mark.parametrize("delay_s", [0.19, 0.25, 0.5, 0.66])
@pytest.mark.parametrize("rate_s", [0.02, 0.033, 0.09])
def test_a_held_key_holds_the_paw_until_it_is_let_go(delay_s, rate_s):
    repeats = [1.0 + delay_s + n * rate_s for n in range(int(2 / rate_s))]
    (pressed, first), (released, last) = play([1.0, *repeats])
    assert (first, last) == (Paw.PRESS, Paw.RELEASE)
    assert pressed == 1.0
    assert 0 < released - repeats[-1] < 0.3


@pytest.mark.parametrize("pause_s", [0.4, 1.5, 5.0])
def test_a_tapped_key_holds_the_paw_until_the_next_tap(pause_s):
    (pressed, first), (released, last) = play([1.0, 1.0 + pause_s])
    assert (first, last) == (Paw.PRESS, Paw.RELEASE)
    assert pressed == 1.0
    assert 0 < released - (1.0 + pause_s) < 0.3


def test_it_can_be_squeezed_again_and_again():
    moves = [move for _, move in play([1, 2, 4, 5.5, 7, 8])]
    assert moves == [Paw.PRESS, Paw.RELEASE] * 3


def test_one_tap_alone_only_presses():
    assert [move for _, move in play([1.0])] == [Paw.PRESS]
