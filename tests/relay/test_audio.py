"""Sound: levels, silence, sample rates and WAV files of every kind."""

import io
import math
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import audio


def tone(ms: int, *, hz: float = 440, rate: int = audio.SAMPLE_RATE, amplitude: int = 8000):
    t = np.arange(rate * ms // 1000) / rate
    return (np.sin(2 * math.pi * hz * t) * amplitude).astype(np.int16)


def silence(ms: int):
    return np.zeros(audio.SAMPLE_RATE * ms // 1000, dtype=np.int16)


def wav_file(data: bytes, *, width: int, channels: int, rate: int) -> io.BytesIO:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setsampwidth(width)
        wav.setnchannels(channels)
        wav.setframerate(rate)
        wav.writeframes(data)
    file.seek(0)
    return file


def test_trimming_keeps_the_sound_and_50_ms():
    sound = np.concatenate([silence(700), tone(300), silence(900)])
    trimmed = audio.trim_silence(sound)
    assert 300 <= len(trimmed) / 16 <= 300 + 2 * 60
    assert np.array_equal(trimmed[np.flatnonzero(trimmed)[0] :][:3000], tone(300)[1:3001])


def test_trimming_keeps_a_pause_in_the_middle():
    sound = np.concatenate([tone(100), silence(600), tone(100)])
    assert len(audio.trim_silence(sound)) == len(sound)


def test_silence_is_trimmed_to_nothing_and_a_click_too_short_to_judge_is_kept():
    assert len(audio.trim_silence(silence(500))) == 0
    assert len(audio.trim_silence(silence(0))) == 0
    assert len(audio.trim_silence(tone(5))) == 80


@pytest.mark.parametrize("amplitude", [50, 1000, 8000, 32000])
def test_every_loudness_becomes_the_same_level(amplitude):
    level = audio.level_dbfs(audio.even_level(tone(500, amplitude=amplitude)))
    assert level == pytest.approx(audio.SPEECH_DBFS, abs=0.2)


def test_no_peak_is_driven_into_the_limit():
    spiky = silence(1000)
    spiky[::1600] = 20000
    peak = np.abs(audio.even_level(spiky).astype(int)).max() / 32768
    assert 20 * math.log10(peak) == pytest.approx(audio.PEAK_DBFS, abs=0.1)


def test_resampling_keeps_pitch_and_length():
    resampled = audio.resample(tone(1000, rate=22_050), 22_050)
    assert len(resampled) == pytest.approx(16_000, abs=2)
    spectrum = np.abs(np.fft.rfft(resampled.astype(float), 16_000))
    assert np.argmax(spectrum) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_any_wav_file_is_read_as_the_relays_sound(width, channels, rate):
    samples = tone(400, rate=rate).astype(int)
    if width == 1:
        packed = [struct.pack("B", (each >> 8) + 128) for each in samples]
    else:
        packed = [
            (each << 8 * (width - 2)).to_bytes(width, "little", signed=True)
            for each in samples.tolist()
        ]
    data = b"".join(each * channels for each in packed)
    pcm = audio.read_wav(wav_file(data, width=width, channels=channels, rate=rate))
    assert audio.duration_ms(pcm) == pytest.approx(400, abs=1)
    assert audio.level_dbfs(audio.samples_of(pcm)) == pytest.approx(
        audio.level_dbfs(tone(400)), abs=0.5
    )


def test_what_is_written_is_read_back(tmp_path):
    pcm = audio.pcm_of(tone(123))
    audio.write_wav(tmp_path / "sound.wav", pcm)
    assert audio.read_wav(tmp_path / "sound.wav") == pcm


@given(st.binary(max_size=400))
def test_anything_else_is_refused_in_plain_words(data):
    with pytest.raises(ValueError, match=r"WAV|sound file"):
        audio.read_wav(io.BytesIO(data))


@given(st.binary(max_size=400), st.integers(0, 60))
def test_a_damaged_wav_file_is_refused_or_read_but_never_crashes(noise, at):
    good = wav_file(bytes(640), width=2, channels=1, rate=16_000).getvalue()
    damaged = good[:at] + noise + good[at + len(noise) :]
    try:
        audio.read_wav(io.BytesIO(damaged))
    except ValueError as error:
        assert str(error)
