"""What the benches share: word errors, percentiles, the JSON that they write."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.bench import __main__ as bench
from tools.bench.report import machine, p50_p95, percentile, write_json
from tools.bench.speech import QUESTIONS, SPEAKERS, spoken_questions, word_errors, words

sentences = st.lists(st.sampled_from(["the", "sky", "is", "blue", "why"]), max_size=8).map(" ".join)


@pytest.mark.parametrize(
    ("spoken", "heard", "errors"),
    [
        ("Why is the sky blue?", " why is the sky blue", 0),
        ("Don\u2019t stop!", "dont stop", 0),
        ("Why is the sky blue?", "why is a sky blue", 1),
        ("Why is the sky blue?", "is the sky blue", 1),
        ("Why is the sky blue?", "and why is the sky so blue", 2),
        ("Why?", "", 1),
        ("", "thank you", 2),
    ],
)
def test_word_errors_count_what_must_be_changed(spoken, heard, errors):
    assert word_errors(spoken, heard) == errors


@given(sentences, sentences)
def test_word_errors_are_a_distance(one, other):
    errors = word_errors(one, other)
    assert errors == word_errors(other, one)
    assert (errors == 0) == (words(one) == words(other))
    lengths = sorted([len(words(one)), len(words(other))])
    assert lengths[1] - lengths[0] <= errors <= lengths[1]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.integers(0, 100))
def test_a_percentile_is_a_value_that_was_measured(values, percent):
    assert percentile(values, percent) in values
    assert percentile(values, 100) == max(values)


def test_figures_of_nothing_are_left_out():
    assert p50_p95("turnaround_ms", []) == {}
    assert p50_p95("turnaround_ms", [1, 2, 3]) == {"turnaround_ms_p50": 2, "turnaround_ms_p95": 3}


def test_the_json_has_the_agreed_shape(tmp_path):
    path = tmp_path / "deep" / "figures.json"
    write_json(path, bench="latency", figures={"x_ms_p50": 1.5}, rows=[{"a": 1}], runs=1)
    result = json.loads(path.read_text())
    assert set(result) == {"bench", "machine", "runs", "figures", "rows"}
    assert result["figures"] == {"x_ms_p50": 1.5}
    assert result["machine"]["cores"] == machine()["cores"]


def test_spoken_questions_differ_in_voice_and_are_made_once(tmp_path):
    made = spoken_questions(tmp_path, 5)
    assert [question.text for question in made] == list(QUESTIONS[:5])
    assert len({question.speaker for question in made}) == min(5, len(SPEAKERS))
    written = [question.path.stat().st_mtime_ns for question in made]
    again = spoken_questions(tmp_path, 5)
    assert [question.path.stat().st_mtime_ns for question in again] == written


def test_an_unknown_bench_names_those_there_are(capsys):
    assert bench.main(["latncy"]) == 2
    assert "latency" in capsys.readouterr().err
