"""The end of speech, with made-up voices; and the real detector on silence and on speech."""

import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.age import AgeBand
from relay.config import EndpointSettings
from relay.endpoint import Endpoint, EndpointDecision, EndpointRules
from relay.voice_activity import WINDOW_BYTES, WINDOW_MS, VoiceDetector

RULES = EndpointRules(
    voice_probability=0.5, min_speech_ms=200, silence_ms=700, nothing_heard_ms=5000
)
QUESTIONS = Path(__file__).parents[2] / "tools" / "talk" / "questions"


def decide(*spans: tuple[float, int]) -> tuple[EndpointDecision | None, int]:
    """Return the decision on (probability, milliseconds) spans, and when it came."""
    endpoint = Endpoint(RULES)
    elapsed_ms = 0
    for probability, span_ms in spans:
        for _ in range(span_ms // WINDOW_MS):
            elapsed_ms += WINDOW_MS
            if decision := endpoint.hear(probability):
                return decision, elapsed_ms
    return None, elapsed_ms


def test_silence_after_speech_ends_it() -> None:
    decision, at_ms = decide((0.1, 500), (0.9, 1000), (0.1, 3000))
    assert decision is EndpointDecision.SILENCE
    assert 1500 + 600 <= at_ms <= 1500 + 800


def test_pause_inside_a_sentence_does_not() -> None:
    assert decide((0.9, 800), (0.1, 500), (0.9, 800), (0.1, 500))[0] is None


def test_soft_word_endings_belong_to_the_word() -> None:
    assert decide((0.9, 400), (0.4, 3000))[0] is None


def test_a_click_is_not_speech() -> None:
    decision, at_ms = decide((0.1, 500), (0.9, 64), (0.1, 8000))
    assert decision is EndpointDecision.NOTHING_HEARD
    assert at_ms >= 5000


def test_clicks_far_apart_do_not_add_up_to_speech() -> None:
    clicks = [(0.9, 96), (0.1, 900)] * 5
    assert decide(*clicks)[0] in (None, EndpointDecision.NOTHING_HEARD)


def test_nothing_heard() -> None:
    decision, at_ms = decide((0.0, 9000))
    assert decision is EndpointDecision.NOTHING_HEARD
    assert at_ms == pytest.approx(5000, abs=WINDOW_MS)


def test_long_speech_goes_on() -> None:
    assert decide((0.9, 60_000))[0] is None


@given(st.lists(st.floats(0, 1), max_size=400))
def test_silence_is_decided_only_after_speech_and_silence(probabilities: list[float]) -> None:
    endpoint = Endpoint(RULES)
    for number, probability in enumerate(probabilities):
        if endpoint.hear(probability) is EndpointDecision.SILENCE:
            windows = RULES.silence_ms // WINDOW_MS
            assert all(p < 0.5 for p in probabilities[number - windows + 1 : number + 1])
            assert any(p >= 0.5 for p in probabilities[:number])
            break


def test_small_children_may_pause_longer() -> None:
    settings = EndpointSettings()
    silences = [EndpointRules.for_band(settings, band).silence_ms for band in AgeBand]
    assert silences == sorted(silences, reverse=True)
    assert silences[0] == settings.youngest_silence_ms
    assert silences[-1] == settings.silence_ms


def question() -> bytes:
    with wave.open(str(QUESTIONS / "1-sky.wav")) as recording:
        return recording.readframes(recording.getnframes())


def test_real_detector_hears_speech_and_not_silence() -> None:
    detector = VoiceDetector()
    assert max(detector.hear(bytes(WINDOW_BYTES * 30))) < 0.5
    speech = question()
    # Any number of bytes at a time.
    heard = [p for n in range(0, len(speech), 640) for p in detector.hear(speech[n : n + 640])]
    assert len(heard) == len(speech) // WINDOW_BYTES
    assert sum(p > 0.5 for p in heard) > len(heard) / 3


def test_detectors_share_a_model_but_not_what_they_heard() -> None:
    speech = question()
    alone = list(VoiceDetector().hear(speech))
    first, second = VoiceDetector(), VoiceDetector()
    mixed = []
    for start in range(0, len(speech), WINDOW_BYTES):
        mixed += first.hear(speech[start : start + WINDOW_BYTES])
        list(second.hear(bytes(range(256)) * 4))
    assert mixed == pytest.approx(alone)
    assert list(VoiceDetector().hear(speech)) == pytest.approx(alone)
