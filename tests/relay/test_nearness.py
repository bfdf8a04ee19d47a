"""The child at the toy and the television behind it: made-up levels, and real sound in babble."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.age import AgeBand
from relay.audio import SAMPLE_RATE, Samples, pcm_of, read_wav, samples_of
from relay.completeness import Completeness
from relay.config import EndpointSettings
from relay.endpoint import Endpoint, EndpointDecision, EndpointRules
from relay.nearness import DOUBT_MS, Nearness
from relay.stt.voice import VoicedSound
from relay.voice_activity import WINDOW_MS, VoiceDetector, Window
from tools.bench.noise import TAIL_S, add_noise

RULES = EndpointRules.for_band(EndpointSettings(), AgeBand.of(7))
QUESTIONS = Path(__file__).parents[2] / "tools" / "talk" / "questions"
CHILD_DB, TALK_DB, ROOM_DB = -18.0, -30.0, -75.0

windows = st.builds(Window, st.floats(0, 1), st.floats(-100, 0))


def follow(*spans: tuple[float, int], probability: float = 0.9) -> Nearness:
    """Return what was followed over (level, milliseconds) spans that all hold a voice."""
    nearness = Nearness()
    for level_db, span_ms in spans:
        for _ in range(span_ms // WINDOW_MS):
            nearness.hear(Window(probability, level_db), voiced=True)
    return nearness


def test_the_child_falls_silent_while_others_talk_on() -> None:
    nearness = follow((TALK_DB, 500), (CHILD_DB, 1500), (TALK_DB, 1200))
    assert 1200 - DOUBT_MS - 4 * WINDOW_MS <= nearness.silence_ms <= 1200 - DOUBT_MS


def test_a_word_may_end_softly() -> None:
    assert follow((TALK_DB, 500), (CHILD_DB, 1500), (TALK_DB, DOUBT_MS)).silence_ms == 0


def test_in_a_quiet_room_nobody_is_far() -> None:
    fading = [(CHILD_DB - softer, 300) for softer in range(0, 40, 4)]
    assert follow((ROOM_DB, 300), *fading).silence_ms == 0


def test_a_child_whose_voice_sinks_is_near_all_the_time() -> None:
    sinking = [(CHILD_DB - 2 * second, 1000) for second in range(5)]
    assert follow((TALK_DB - 8, 500), *sinking).silence_ms == 0


def test_a_bang_does_not_break_the_silence_and_a_word_does() -> None:
    silent = (TALK_DB, 500), (CHILD_DB, 1500), (TALK_DB, 1000)
    # Levels are smoothed, so that a bang of 32 ms is heard for three windows.
    assert follow(*silent).silence_ms > 500
    assert follow(*silent, (CHILD_DB, 200)).silence_ms == 0


def test_a_certain_voice_is_near_however_soft() -> None:
    spans = (TALK_DB, 500), (CHILD_DB, 1500), (TALK_DB, 1500)
    assert follow(*spans, probability=0.999).silence_ms == 0
    assert follow(*spans, probability=0.9).silence_ms > 0


@given(st.lists(windows, max_size=150), windows, st.floats(0, 60), st.floats(0, 1))
def test_a_louder_or_surer_window_never_makes_silence_longer(
    before: list[Window], last: Window, louder_db: float, surer: float
) -> None:
    softer, other = Nearness(), Nearness()
    for window in before:
        softer.hear(window, voiced=window.probability >= 0.5)
        other.hear(window, voiced=window.probability >= 0.5)
    softer.hear(last, voiced=last.probability >= 0.5)
    raised = Window(max(last.probability, surer), last.level_db + louder_db)
    other.hear(raised, voiced=raised.probability >= 0.5)
    assert other.silence_ms <= softer.silence_ms


def question(name: str) -> Samples:
    return samples_of(read_wav(QUESTIONS / name))


def in_talk(name: str, snr_db: float) -> bytes:
    talk = [question(path.name) for path in sorted(QUESTIONS.glob("*.wav"))]
    return pcm_of(add_noise(question(name), "babble", snr_db, talk=talk, seed=3))


@pytest.mark.parametrize("snr_db", [20, 10])
@pytest.mark.parametrize("name", [path.name for path in sorted(QUESTIONS.glob("*.wav"))])
def test_the_end_is_heard_while_others_talk_on(name: str, snr_db: int) -> None:
    pcm = in_talk(name, snr_db)
    spoken_ms = (len(pcm) // 2 - int(TAIL_S * SAMPLE_RATE)) * 1000 // SAMPLE_RATE
    endpoint = Endpoint(RULES)
    decisions = [endpoint.hear(each, Completeness.FINISHED) for each in VoiceDetector().hear(pcm)]
    assert EndpointDecision.SILENCE in decisions
    decided_ms = (decisions.index(EndpointDecision.SILENCE) + 1) * WINDOW_MS
    # The recordings end with some silence of their own.
    assert spoken_ms - 500 < decided_ms < spoken_ms + 1600


def test_what_others_say_afterwards_is_not_recognised() -> None:
    name = sorted(QUESTIONS.glob("*.wav"))[0].name
    pcm = in_talk(name, 10)
    sound = VoicedSound()
    sound.add(pcm)
    ((start, end),) = sound.spans(28)
    spoken = len(question(name))
    assert start == 0
    assert spoken * 0.6 < end < spoken + SAMPLE_RATE
    assert sound.paused
