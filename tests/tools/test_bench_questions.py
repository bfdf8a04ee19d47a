"""The questions of the benches: anybody's own recordings, and the noise of a home."""

import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.audio import SAMPLE_RATE, samples_of
from tools.bench.noise import KINDS, TAIL_S, add_noise, speech_power
from tools.bench.questions import in_noise, own_questions, paused_questions
from tools.bench.silence import silences_ms
from tools.bench.speech import PAUSE_MS, PAUSED_QUESTIONS, words
from tools.talk.recording import RecordingError


def voice(seconds, rate=SAMPLE_RATE, level=8000):
    """A tone that swells and falls four times a second, as syllables do."""
    at = np.arange(int(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * 300 * at) * np.abs(np.sin(2 * np.pi * 2 * at))).astype(
        np.int16
    )


def write_wav(path, samples, rate=SAMPLE_RATE, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples, channels).astype("<i2").tobytes())


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(list(KINDS)), st.integers(0, 30), st.integers(0, 5))
def test_noise_is_as_loud_as_asked_and_the_same_in_every_run(kind, snr_db, seed):
    # Quiet enough that nothing reaches full scale: what was added can be told from the sum.
    speech, talk = voice(1.0, level=800), [voice(0.7), voice(1.3)]
    mixed = add_noise(speech, kind, snr_db, talk=talk, seed=seed)
    assert len(mixed) == len(speech) + TAIL_S * SAMPLE_RATE
    assert np.array_equal(mixed, add_noise(speech, kind, snr_db, talk=talk, seed=seed))
    noise = mixed.astype(np.float64)
    noise[: len(speech)] -= speech
    measured = 10 * np.log10(speech_power(speech) / np.square(noise).mean())
    assert measured == pytest.approx(snr_db, abs=0.3)


def test_noise_never_overflows():
    loud = voice(1.0, level=32_000)
    mixed = add_noise(loud, "clatter", -10, talk=[loud], seed=1)
    assert np.abs(mixed.astype(np.int32)).max() == 32_767
    assert not add_noise(np.zeros(1600, np.int16), "fan", 10, talk=[loud], seed=1).any()


def test_silence_has_no_power():
    assert speech_power(np.zeros(SAMPLE_RATE, np.int16)) == 0
    assert speech_power(np.zeros(0, np.int16)) == 0


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2), (48_000, 1)])
def test_own_recordings_of_any_rate_with_words_beside_them(tmp_path, rate, channels):
    write_wav(tmp_path / "sky.wav", voice(1.5, rate), rate, channels)
    (tmp_path / "sky.txt").write_text("Why is the sky blue?\n", encoding="utf-8")
    (question,) = own_questions(tmp_path)
    assert (question.name, question.text, question.place) == (
        "sky",
        "Why is the sky blue?",
        "quiet",
    )
    assert len(question.pcm) / 2 / SAMPLE_RATE == pytest.approx(1.5, abs=0.05)
    assert 0 < question.voiced_samples <= len(question.pcm) // 2


@pytest.mark.parametrize("mark", ["\t", ", ", " | "])
def test_the_words_of_all_recordings_in_one_file(tmp_path, mark):
    write_wav(tmp_path / "one.wav", voice(0.5))
    write_wav(tmp_path / "two.WAV", voice(0.5))
    write_wav(tmp_path / "three.wav", voice(0.5))
    lines = f"one.wav{mark}Why?\n\ntwo{mark}Hello, you\n"
    (tmp_path / "questions.txt").write_text(lines, encoding="utf-8-sig")
    texts = {question.name: question.text for question in own_questions(tmp_path)}
    assert texts == {"one": "Why?", "two": "Hello, you", "three": None}
    assert len(own_questions(tmp_path, 2)) == 2


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (None, b"", "no WAV file"),
        ("a.wav", b"not sound", "cannot be read as a sound file"),
        ("a.txt", b"\xff\xfe", "not UTF-8"),
        ("questions.txt", b"only words", "line 1: write the name"),
        ("questions.txt", b"b.wav\tWhy?", "'b', but no such WAV"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said_in_plain_words(tmp_path, file, content, message):
    if file is not None:
        write_wav(tmp_path / "a.wav", voice(0.5))
        (tmp_path / file).write_bytes(content)
    with pytest.raises(RecordingError, match=message):
        own_questions(tmp_path)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(RecordingError, match="no folder"):
        own_questions(tmp_path / "none")


def test_paused_questions_hold_a_silence_and_all_their_words():
    (question,) = paused_questions(1)
    assert words(question.text) == words(PAUSED_QUESTIONS[0].replace("|", " "))
    assert question.paused
    assert max(silences_ms(samples_of(question.pcm))) == pytest.approx(PAUSE_MS, abs=120)


def test_the_voice_ends_where_it_did_before_there_was_noise():
    (question,) = paused_questions(1)
    (noisy,) = in_noise([question], 10)
    assert noisy.place == "snr_10"
    assert noisy.voiced_samples == question.voiced_samples
    assert len(noisy.pcm) > len(question.pcm)


def test_silences_are_found_between_sounds_only():
    sound = np.concatenate([np.zeros(8000), voice(0.2), np.zeros(4800), voice(0.2), np.zeros(8000)])
    (length,) = silences_ms(sound.astype(np.int16))
    assert length == pytest.approx(300, abs=10)
    assert silences_ms(np.zeros(0, np.int16)) == []
