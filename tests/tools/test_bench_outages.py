"""The bench of outages: what it makes of what a child sees and hears."""

from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest

from device.light import Look
from tools.bench.outages import Turn, figures_of, outcome_of
from tools.virtual_toy import Event
from tools.virtual_toy.speaker import Piece, SpeakerRecording

PRESSED_AT = 100.0


def toy_of(*looks, sounds=()):
    """Return a toy whose light showed (at, look) and whose speaker sounded (from, to)."""
    speaker = SpeakerRecording()
    for start, end in sounds:
        speaker.pieces.append(Piece(start, np.full(round((end - start) * 16000), 5000, np.int16)))
    events = deque(Event(at, "light", look) for at, look in ((99.0, Look.IDLE), *looks))
    return SimpleNamespace(events=events, look=events[-1].detail, speaker=speaker)


def reply(answered):
    return SimpleNamespace(pressed_at=PRESSED_AT, answered=answered)


TALK = ((100.1, Look.LISTENING), (102.0, Look.THINKING))
SPEECH = (*TALK, (103.0, Look.SPEAKING))
WORDS = (103.1, 105.0)


@pytest.mark.parametrize(
    ("looks", "sounds", "answered", "expected"),
    [
        ((*SPEECH, (105.0, Look.IDLE)), [WORDS], True, "answered"),
        # What happens after the answer is another story.
        ((*SPEECH, (105.0, Look.IDLE), (105.5, Look.OFFLINE)), [WORDS], True, "answered"),
        ((*SPEECH, (105.0, Look.OFFLINE)), [WORDS, (105.1, 107)], True, "announced"),
        ((*SPEECH, (105.0, Look.ERROR)), [WORDS, (105.1, 105.6)], True, "announced"),
        # The words that were cut off, or were said long after, announce nothing.
        ((*SPEECH, (105.0, Look.OFFLINE)), [WORDS], True, "silent"),
        ((*SPEECH, (105.0, Look.OFFLINE)), [WORDS, (105.0, 105.1)], True, "silent"),
        ((*SPEECH, (105.0, Look.OFFLINE)), [WORDS, (108.1, 109)], True, "silent"),
        # It spoke, or so its light says, and nothing was heard.
        ((*SPEECH, (105.0, Look.IDLE)), [], False, "silent"),
        ((*TALK, (103.0, Look.OFFLINE)), [(103.1, 105)], False, "announced"),
        ((*TALK, (103.0, Look.OFFLINE)), [(102.0, 102.9)], False, "silent"),
        # Away before the squeeze: the light need not change.
        ((), [(100.1, 102)], False, "announced"),
        ((), [], False, "silent"),
        (((101.0, Look.IDLE),), [(98.0, 99.9)], False, "silent"),
    ],
)
def test_what_a_child_can_tell(looks, sounds, answered, expected):
    outcome, after_s = outcome_of(toy_of(*looks, sounds=sounds), reply(answered))
    assert outcome == expected
    assert after_s is None if outcome != "announced" else after_s == pytest.approx(0.1, abs=0.01)


def test_what_follows_the_next_squeeze_announces_nothing():
    toy = toy_of(*TALK, (103.0, Look.OFFLINE), sounds=[(103.7, 105)])
    assert outcome_of(toy, reply(False))[0] == "announced"
    assert outcome_of(toy, reply(False), until=103.6)[0] == "silent"


def test_figures_count_turns_and_outages():
    turns = [
        Turn(0, "relay", "announced", 0.1, ()),
        Turn(1, "", "answered", None, ()),
        Turn(2, "half-open", "silent", None, ()),
    ]
    assert figures_of(turns) == {
        "turns": 3,
        "outages": 2,
        "answered_turns": 1,
        "announced_turns": 1,
        "silent_turns": 1,
        "announced_after_ms_p50": 100.0,
        "announced_after_ms_p95": 100.0,
    }
