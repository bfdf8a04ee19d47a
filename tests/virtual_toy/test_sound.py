"""Sound files of any sort become 16 kHz mono, bad ones a sentence that says what to do."""

import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.virtual_toy import BadSoundError, read_wav, write_wav
from tools.virtual_toy.sound import last_voiced

RATE = 16000


def tone(rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * 300 * np.arange(round(rate * seconds)) / rate) * 0.5


def write(path, rate, channels, width, sound):
    frames = np.repeat(sound[:, None], channels, axis=1).reshape(-1)
    top = 2 ** (8 * width - 1)
    if width == 1:
        data = np.round(frames * 127 + 128).astype(np.uint8).tobytes()
    elif width == 3:
        words = np.round(frames * (top - 1)).astype("<i4")
        data = words.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    else:
        data = np.round(frames * (top - 1)).astype(f"<i{width}").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)


@settings(max_examples=25, deadline=None)
@given(
    rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]),
    channels=st.integers(1, 3),
    width=st.integers(1, 4),
)
def test_any_rate_width_and_number_of_channels(tmp_path_factory, rate, channels, width):
    path = tmp_path_factory.mktemp("sound") / "in.wav"
    write(path, rate, channels, width, tone(rate))
    heard = read_wav(path).astype(float) / 32768
    wanted = tone(RATE)
    assert abs(len(heard) - len(wanted)) <= 2
    middle = slice(800, 7000)
    assert np.abs(heard[middle] - wanted[middle]).max() < (0.02 if width > 1 else 0.04)


def test_what_is_written_is_read_again(tmp_path):
    samples = (tone(RATE) * 32767).astype(np.int16)
    write_wav(tmp_path / "new" / "out.wav", samples)
    assert np.array_equal(read_wav(tmp_path / "new" / "out.wav"), samples)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a PCM WAV"),
        (b"ID3 this is an mp3", "ffmpeg"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "not a PCM WAV"),
    ],
)
def test_a_file_that_is_no_sound(tmp_path, content, problem):
    path = tmp_path / "in.wav"
    path.write_bytes(content)
    with pytest.raises(BadSoundError, match=problem):
        read_wav(path)


def test_a_missing_an_empty_and_an_odd_file(tmp_path):
    with pytest.raises(BadSoundError, match="no such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(BadSoundError):
        read_wav(tmp_path)
    write(tmp_path / "empty.wav", RATE, 1, 2, np.zeros(0))
    with pytest.raises(BadSoundError, match="no sound"):
        read_wav(tmp_path / "empty.wav")
    write(tmp_path / "slow.wav", 1000, 1, 2, tone(1000))
    with pytest.raises(BadSoundError, match="1000 Hz"):
        read_wav(tmp_path / "slow.wav")


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200), whole=st.booleans())
def test_no_file_makes_it_crash(tmp_path_factory, content, whole):
    path = tmp_path_factory.mktemp("sound") / "in.wav"
    path.write_bytes(content if whole else b"RIFF\xff\0\0\0WAVEfmt \x10\0\0\0" + content)
    try:
        read_wav(path)
    except BadSoundError as error:
        assert str(path) in str(error)


def test_the_end_of_the_voice_is_found_in_front_of_silence_and_noise():
    voice = (tone(RATE, 0.5) * 20000).astype(np.int16)
    rest = np.random.default_rng(1).integers(-40, 40, RATE).astype(np.int16)
    assert abs(last_voiced(np.concatenate([voice, rest])) - len(voice)) <= 160
    assert last_voiced(rest) == 0
    assert last_voiced(np.zeros(10, np.int16)) == 0
