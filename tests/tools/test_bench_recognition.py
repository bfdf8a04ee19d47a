"""Words misheard, side by side."""

import json
import shutil
from pathlib import Path

import pytest

from tools.bench.recognition import main, summary_of

SKY = Path(__file__).parents[2] / "tools" / "talk" / "questions" / "1-sky.wav"


def test_words_wrong_are_counted_over_all_words_of_a_place_and_engine():
    def row(engine, words, errors, cpu_ms):
        return {
            "engine": engine,
            "place": "quiet",
            "words": words,
            "errors": errors,
            "cpu_ms": cpu_ms,
        }

    ours, plain = summary_of(
        [row("bramble", 9, 1, 100), row("plain", 9, 0, 900), row("bramble", 1, 1, 200)]
    )
    assert (ours["questions"], ours["words_wrong_percent"], ours["cpu_ms"]) == (2, 20.0, 150.0)
    assert (plain["questions"], plain["words_wrong_percent"]) == (1, 0.0)


def test_recordings_without_words_cannot_be_compared(tmp_path, capsys):
    shutil.copy(SKY, tmp_path / "sky.wav")
    assert main(["--questions", str(tmp_path)]) == 1
    assert "what is said" in capsys.readouterr().out


def test_count_must_be_sensible(capsys):
    with pytest.raises(SystemExit):
        main(["--count", "0"])
    assert "1 or more" in capsys.readouterr().err


def test_every_engine_hears_every_question_quiet_and_in_noise(tmp_path):
    shutil.copy(SKY, tmp_path / "sky.wav")
    (tmp_path / "sky.txt").write_text("Why is the sky blue?")
    assert main(["--questions", str(tmp_path), "--json", str(tmp_path / "out.json")]) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    engines = ("bramble", "plain_beam_1", "plain_beam_5")
    for engine in engines:
        assert result["figures"][f"{engine}_quiet_words_wrong_percent"] == 0
    assert {(row["engine"], row["place"]) for row in result["rows"]} == {
        (engine, place) for engine in engines for place in ("quiet", "snr_20", "snr_10")
    }
