"""The end of speech, with made-up voices; and the real detector on silence and on speech."""

import wave
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.age import AgeBand
from relay.completeness import Completeness, completeness
from relay.config import EndpointSettings
from relay.endpoint import Endpoint, EndpointDecision, EndpointRules
from relay.pace import LEAST_MS, Pace
from relay.voice_activity import WINDOW_BYTES, WINDOW_MS, VoiceDetector, Window

RULES = EndpointRules(
    voice_probability=0.5,
    min_speech_ms=200,
    silence_ms=700,
    nothing_heard_ms=5000,
    finished_silence_ms=550,
    longest_silence_ms=2000,
)
LEVEL_DB = -25.0
QUESTIONS = Path(__file__).parents[2] / "tools" / "talk" / "questions"


def decide(
    *spans: tuple[float, int],
    words: Completeness = Completeness.UNKNOWN,
    rules: EndpointRules = RULES,
    pace: Pace | None = None,
) -> tuple[EndpointDecision | None, int]:
    """Return the decision on (probability, milliseconds) spans, and when it came."""
    endpoint = Endpoint(rules, pace)
    elapsed_ms = 0
    for probability, span_ms in spans:
        for _ in range(span_ms // WINDOW_MS):
            elapsed_ms += WINDOW_MS
            if decision := endpoint.hear(Window(probability, LEVEL_DB), words):
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
        if endpoint.hear(Window(probability, LEVEL_DB)) is EndpointDecision.SILENCE:
            windows = RULES.silence_ms // WINDOW_MS
            # A single window is a bang, which does not make the child wait.
            silent = [p < 0.5 for p in probabilities[number - windows + 1 : number + 1]]
            assert all(one or other for one, other in pairwise(silent))
            assert any(p >= 0.5 for p in probabilities[:number])
            break


def test_small_children_may_pause_longer() -> None:
    settings = EndpointSettings()
    silences = [EndpointRules.for_band(settings, band).silence_ms for band in AgeBand]
    assert silences == sorted(silences, reverse=True)
    assert silences[0] == settings.youngest_silence_ms
    assert silences[-1] == settings.silence_ms


@pytest.mark.parametrize("band", AgeBand)
@pytest.mark.parametrize("words", Completeness)
def test_half_a_second_inside_a_sentence_cuts_nobody_off(
    band: AgeBand, words: Completeness
) -> None:
    rules = EndpointRules.for_band(EndpointSettings(), band)
    pause = (0.9, 800), (0.1, 512), (0.9, 800)
    assert decide(*pause, words=words, rules=rules)[0] is None


def test_a_finished_question_is_answered_sooner_and_an_unfinished_one_later() -> None:
    ends = [
        decide((0.9, 800), (0.1, 3000), words=words)[1]
        for words in (Completeness.FINISHED, Completeness.UNKNOWN, Completeness.UNFINISHED)
    ]
    assert ends == sorted(set(ends))
    assert ends[0] < 800 + 600
    assert ends[2] > 800 + 1000


def test_a_child_that_pauses_long_is_given_time_in_this_question_and_the_next() -> None:
    pace = Pace()
    said = (0.9, 800), (0.1, 640), (0.9, 800), (0.1, 5000)
    usual = decide((0.9, 800), (0.1, 5000))[1] - 800
    patient = decide(*said, pace=pace)[1] - 2240
    assert patient > usual
    assert decide((0.9, 800), (0.1, 5000), pace=pace)[1] - 800 == patient


def test_a_child_that_hardly_pauses_is_answered_sooner() -> None:
    pace = Pace()
    for _ in range(8):
        pace.paused(LEAST_MS)
    assert RULES.needed_ms(Completeness.UNKNOWN, pace) < RULES.silence_ms
    assert RULES.needed_ms(Completeness.UNKNOWN, pace) >= RULES.finished_silence_ms


@given(
    st.lists(st.integers(0, 10_000), max_size=30),
    st.sampled_from(Completeness),
    st.integers(200, 5000),
    st.integers(200, 5000),
)
def test_silence_that_ends_speech_keeps_its_bounds(
    pauses: list[int], words: Completeness, silence_ms: int, finished_ms: int
) -> None:
    rules = replace(RULES, silence_ms=silence_ms, finished_silence_ms=finished_ms)
    pace = Pace()
    for pause in pauses:
        pace.paused(pause)
    needed = rules.needed_ms(words, pace)
    least = min(silence_ms, finished_ms, rules.longest_silence_ms)
    assert least <= needed <= rules.longest_silence_ms
    by_words = [rules.needed_ms(each, pace) for each in Completeness]
    finished, unknown, unfinished = (
        by_words[list(Completeness).index(each)]
        for each in (Completeness.FINISHED, Completeness.UNKNOWN, Completeness.UNFINISHED)
    )
    assert finished <= unknown <= unfinished
    longest = max((p for p in pauses[-8:] if p >= LEAST_MS), default=0)
    assert needed > min(longest, rules.longest_silence_ms - 1)


@given(st.lists(st.integers(0, 3000), max_size=12), st.integers(200, 3000))
def test_a_longer_pause_never_shortens_the_time_given(pauses: list[int], usual_ms: int) -> None:
    shorter, longer = Pace(), Pace()
    for pause in pauses:
        shorter.paused(max(pause, LEAST_MS))
        longer.paused(max(pause, LEAST_MS) + 100)
    assert shorter.silence_ms(usual_ms) <= longer.silence_ms(usual_ms)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Why is the sky blue?", Completeness.FINISHED),
        ("why is the sky blue", Completeness.FINISHED),
        ("Hey Bramble, what do cats eat?", Completeness.FINISHED),
        ("Um, can you tell me a story?", Completeness.FINISHED),
        ("Tell me a joke.", Completeness.FINISHED),
        ("How many legs does a spider have?", Completeness.FINISHED),
        ("how many legs does a spider have", Completeness.UNKNOWN),
        ("Do you like", Completeness.UNFINISHED),
        ("Why do", Completeness.UNFINISHED),
        ("Why is the", Completeness.UNFINISHED),
        ("What do cats eat and", Completeness.UNFINISHED),
        ("I went to the zoo because", Completeness.UNFINISHED),
        ("Can you tell me a story about a", Completeness.UNFINISHED),
        ("Can you tell me?", Completeness.UNFINISHED),
        ("Do you know", Completeness.UNFINISHED),
        ("What do you know?", Completeness.FINISHED),
        ("I want to know, um", Completeness.UNFINISHED),
        ("How do you make...", Completeness.UNFINISHED),
        ("What is it for?", Completeness.UNKNOWN),
        ("Where does the rain come from?", Completeness.FINISHED),
        ("What's a trunk made of?", Completeness.FINISHED),
        ("Where does the man come from and", Completeness.UNFINISHED),
        ("My dog is called Max.", Completeness.UNKNOWN),
        ("Hello.", Completeness.UNKNOWN),
        ("Why?", Completeness.UNKNOWN),
        ("", Completeness.UNKNOWN),
        ("?!", Completeness.UNKNOWN),
    ],
)
def test_what_the_words_tell(text: str, expected: Completeness) -> None:
    assert completeness(text, "en") is expected
    assert completeness(text, "ko") is Completeness.UNKNOWN


@given(st.text(max_size=200))
def test_any_words_tell_something(text: str) -> None:
    assert completeness(text, "en") in Completeness


def question() -> bytes:
    with wave.open(str(QUESTIONS / "1-sky.wav")) as recording:
        return recording.readframes(recording.getnframes())


def probabilities(detector: VoiceDetector, pcm: bytes) -> list[float]:
    return [window.probability for window in detector.hear(pcm)]


def test_real_detector_hears_speech_and_not_silence() -> None:
    detector = VoiceDetector()
    assert max(w.probability for w in detector.hear(bytes(WINDOW_BYTES * 30))) < 0.5
    speech = question()
    # Any number of bytes at a time.
    heard = [w for n in range(0, len(speech), 640) for w in detector.hear(speech[n : n + 640])]
    assert len(heard) == len(speech) // WINDOW_BYTES
    assert sum(w.probability > 0.5 for w in heard) > len(heard) / 3


def test_detectors_share_a_model_but_not_what_they_heard() -> None:
    speech = question()
    alone = probabilities(VoiceDetector(), speech)
    first, second = VoiceDetector(), VoiceDetector()
    mixed = []
    for start in range(0, len(speech), WINDOW_BYTES):
        mixed += probabilities(first, speech[start : start + WINDOW_BYTES])
        list(second.hear(bytes(range(256)) * 4))
    assert mixed == pytest.approx(alone)
    assert probabilities(VoiceDetector(), speech) == pytest.approx(alone)
