"""docs/performance.md is written from the benches' files, and from nothing else."""

import json
from pathlib import Path

import pytest

from tools.bench import performance
from tools.bench.load_figures import figures_of as load_figures
from tools.bench.report import machine
from tools.bench.websocket import BenchError

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
ASKED = {
    "question": "joe: Why?",
    "pipeline": "bramble",
    "mode": "hold",
    "place": "quiet",
    "paused": False,
    "jitter_ms": 0,
    "spoken": "Why?",
    "heard": "Why?",
    "answered": True,
    "cut_off": False,
    "text_ms": 111.0,
    "turnaround_ms": 222.0,
    "voice_to_voice_ms": 555.0,
    "first_sound_ms": 50.0,
    "gaps": 0,
}
CHILD = {
    "children": 8,
    "round": 0,
    "first_speech_ms": 1234.0,
    "good_share": 1.0,
    "processor_s": 0.5,
}


@pytest.fixture
def results(tmp_path):
    def write(name, figures, rows):
        result = {"bench": name, "machine": machine(), "runs": 1, "figures": figures, "rows": rows}
        (tmp_path / f"{name}.json").write_text(json.dumps(result))

    write(
        "latency",
        {
            "turnaround_ms_p50": 222.0,
            "turnaround_ms_p95": 777.0,
            "first_sentence_tokens_p50": 12.0,
            "first_sentence_tokens_per_s_p50": 60.0,
        },
        [ASKED],
    )
    idle = {
        "idle_toys": 100,
        "idle_cpu_share": 0.01,
        "idle_megabytes": 20.0,
        "relay_megabytes": 600.0,
    }
    write("load", {**idle, **load_figures([CHILD])}, [CHILD])
    write("memory", {"growth_bytes_per_turn": 17.0}, [{"turn": 0, "bytes": 1e8}])
    return tmp_path


def test_every_block_of_the_document_is_filled(results):
    document = results / "performance.md"
    document.write_text(DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    arguments = ["--results", str(results), "--document", str(document)]
    assert performance.main(arguments) == 0
    text = document.read_text(encoding="utf-8")
    assert "| turnaround, hold to talk, median | 222 ms | 300 ms | met |" in text
    assert "| the same, 95th percentile | 777 ms | 600 ms | over by 177 |" in text
    assert "| growth of the relay's memory | 17 bytes a turn |" in text
    assert "| recognise | 111 | 111 | 111 |" in text
    assert "| 8 | 1 | 0 | 1234 | 1234 | 1234 |" in text
    assert "0.20 s" in text  # 12 tokens at 60 a second
    assert (results / "pictures" / "latency-turnaround.svg").is_file()
    assert performance.main(arguments) == 0
    assert document.read_text(encoding="utf-8") == text


def test_the_document_in_the_repository_has_only_known_blocks():
    found = [match["name"] for match in performance.BLOCK.finditer(DOCUMENT.read_text("utf-8"))]
    assert sorted(found) == sorted(performance.BLOCKS)


def test_what_has_not_been_measured_stays_as_it_was(results):
    (results / "load.json").unlink()
    text = "<!-- children -->\nas it was\n<!-- end -->\n<!-- noise -->\nstale\n<!-- end -->"
    filled = performance.fill(text, performance.read_results(results))
    assert "as it was" in filled
    assert "stale" not in filled


def test_a_block_that_nobody_knows_is_named():
    with pytest.raises(BenchError, match="weather"):
        performance.fill("<!-- weather -->\n<!-- end -->", {})


@pytest.mark.parametrize("content", ["", "[]", '{"bench": "load"}', '{"bench": "latency"}'])
def test_a_file_of_another_kind_is_refused(tmp_path, content, capsys):
    (tmp_path / "latency.json").write_text(content)
    assert performance.main(["--results", str(tmp_path)]) == 2
    assert "latency.json is not what" in capsys.readouterr().err


def test_without_results_it_says_how_to_get_them(tmp_path, capsys):
    assert performance.main(["--results", str(tmp_path)]) == 2
    assert "run the benches first" in capsys.readouterr().err
