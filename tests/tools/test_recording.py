"""Any recording as the toy hears it, and plain words for those that are none."""

import wave

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.audio import SAMPLE_RATE
from tools.talk.recording import RecordingError, read_recording


def write(path, samples, *, rate=16000, channels=1, width=2):
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(width)
        wav.setframerate(rate)
        wav.writeframes(samples)
    return path


def tone(rate, seconds=1.0, level=0.5):
    return level * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_any_channels(tmp_path, rate, channels):
    samples = (tone(rate) * 32767).astype("<i2").repeat(channels)
    pcm = read_recording(write(tmp_path / "q.wav", samples, rate=rate, channels=channels))
    heard = np.frombuffer(pcm, "<i2").astype(float)
    assert abs(len(heard) - SAMPLE_RATE) < SAMPLE_RATE // 50
    middle = heard[4000:12000]
    spectrum = np.abs(np.fft.rfft(middle))
    assert abs(spectrum.argmax() * SAMPLE_RATE / len(middle) - 440) < 4
    assert 14000 < np.abs(middle).max() < 19000


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_any_sample_width(tmp_path, width):
    values = tone(16000)
    if width == 1:
        data = (values * 127 + 128).astype("u1").tobytes()
    else:
        whole = (values * (2 ** (8 * width - 1) - 1)).astype("<i8")
        data = whole.view("u1").reshape(-1, 8)[:, :width].tobytes()
    pcm = read_recording(write(tmp_path / "q.wav", data, width=width))
    assert 15000 < np.abs(np.frombuffer(pcm, "<i2")).max() < 18000


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(16000, "<i2"), "silent"),
        (np.ones(1000, "<i2"), "0.1 s long"),
        ((tone(16000, 61) * 32767).astype("<i2"), "61.0 s long"),
    ],
)
def test_what_is_no_question_is_said_so(tmp_path, samples, words):
    with pytest.raises(RecordingError, match=words):
        read_recording(write(tmp_path / "q.wav", samples))


def test_a_missing_file_is_said_so(tmp_path):
    with pytest.raises(RecordingError, match="there is no file"):
        read_recording(tmp_path / "nowhere.wav")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(junk=st.binary(max_size=2000), keep=st.integers(0, 200))
def test_junk_is_an_error_in_plain_words_and_never_a_crash(tmp_path, junk, keep):
    path = write(tmp_path / "q.wav", (tone(16000, 0.5) * 32767).astype("<i2"))
    path.write_bytes(path.read_bytes()[:keep] + junk)
    try:
        pcm = read_recording(path)
    except RecordingError:
        return
    assert len(pcm) % 2 == 0
