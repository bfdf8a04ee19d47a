"""The lines that the toy says by itself: made by the tool, and understood by who listens."""

import json
from pathlib import Path

import numpy as np
import pytest

from device.audio.earcon import Line
from device.audio.lines import SUFFIX
from device.protocol import ADPCM_FRAME_BYTES, AUDIO_HEADER_BYTES, Codec, pack_audio_header
from relay import frames
from relay.audio import samples_of
from tools import sounds

NAMES = {value for name, value in vars(Line).items() if not name.startswith("__")}


def decode(encoded: bytes) -> bytes:
    header = bytearray(AUDIO_HEADER_BYTES)
    pack_audio_header(header, Codec.ADPCM, 0, 0)
    starts = range(0, len(encoded), ADPCM_FRAME_BYTES)
    return b"".join(
        frames.unpack(bytes(header) + encoded[at : at + ADPCM_FRAME_BYTES]).pcm for at in starts
    )


def test_there_is_a_text_and_a_file_for_every_line():
    assert set(sounds.TEXTS) == NAMES
    assert {path.name for path in sounds.FOLDER.iterdir()} == {name + SUFFIX for name in NAMES}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_line_is_whole_loud_and_short(name):
    encoded = (sounds.FOLDER / (name + SUFFIX)).read_bytes()
    assert len(encoded) % ADPCM_FRAME_BYTES == 0
    assert len(encoded) <= sounds.MOST_BYTES
    samples = samples_of(decode(encoded)).astype(float)
    voiced = samples[np.abs(samples) > 500]
    assert len(voiced) > 0.2 * len(samples)
    assert 8000 < np.abs(samples).max() < 32767


@pytest.mark.parametrize("size", [2, 640, 642, 6400])
def test_what_is_encoded_sounds_the_same(size):
    time = np.arange(size // 2) / 16000
    tone = (8000 * np.sin(2 * np.pi * 440 * time)).astype("<i2")
    decoded = samples_of(decode(sounds.encode(tone.tobytes())))
    assert len(decoded) % 320 == 0
    assert 0 <= len(decoded) - len(tone) < 320
    if size > 640:
        noise = decoded[: len(tone)].astype(float) - tone
        assert np.square(noise[320:]).mean() < 0.001 * np.square(tone[320:].astype(float)).mean()


def test_the_tool_makes_what_the_toy_can_play(tmp_path, capsys):
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps(dict.fromkeys(sorted(NAMES), "Hello.")))
    folder = tmp_path / "made"
    arguments = ["--texts", str(texts), "--to", str(folder), "--wav", str(tmp_path / "wav")]
    assert sounds.main(arguments) == 0
    assert {path.name for path in folder.iterdir()} == {name + SUFFIX for name in NAMES}
    assert {path.stem for path in (tmp_path / "wav").iterdir()} == NAMES
    loudest = np.abs(samples_of(decode((folder / ("away" + SUFFIX)).read_bytes()))).max()
    assert loudest > 8000
    assert "Hello." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "must have a text for each of"),
        (json.dumps({"away": "a"}), "must have a text for each of"),
        (json.dumps(dict.fromkeys(sorted(NAMES), 7)), "must have a text for each of"),
        (json.dumps(dict.fromkeys(sorted(NAMES), "...")), "nothing to say"),
        (json.dumps(dict.fromkeys(sorted(NAMES), "a very long story " * 40)), "Shorten it"),
    ],
)
def test_what_is_wrong_with_the_texts_is_said(tmp_path: Path, capsys, text, reason):
    path = tmp_path / "texts.json"
    if text is not None:
        path.write_text(text)
    assert sounds.main(["--texts", str(path), "--to", str(tmp_path / "made")]) == 1
    assert reason in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "made").exists()


def test_the_texts_can_be_listed(capsys):
    assert sounds.main(["--list"]) == 0
    assert json.loads(capsys.readouterr().out) == sounds.TEXTS
