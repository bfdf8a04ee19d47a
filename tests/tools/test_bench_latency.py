"""The latency bench: what rows mean, and one small run with the real toy, relay and models."""

import asyncio
import json

import pytest

from relay.config import Settings
from tools.bench import baseline, latency
from tools.bench.latency_figures import error_rate, figures_of, pictures_of, places, stage_rows
from tools.bench.questions import made_questions
from tools.bench.speech import word_error_rate


def row(**changes):
    return {
        "question": "joe: Why?",
        "pipeline": "bramble",
        "mode": "hold",
        "place": "quiet",
        "paused": False,
        "jitter_ms": 0,
        "spoken": "Why is the sky blue?",
        "heard": "Why is the sky blue?",
        "outcome": "cancelled",
        "answered": True,
        "cut_off": False,
        "text_ms": 100.0,
        "first_frame_ms": 300.0,
        "turnaround_ms": 300.0,
        "voice_to_voice_ms": 600.0,
        "first_sound_ms": 50.0,
        "gaps": 0,
        "longest_silence_ms": 0.0,
        **changes,
    }


PLAIN = row(pipeline="plain", turnaround_ms=1200.0, voice_to_voice_ms=2000.0, heard="is the sky")


def test_each_figure_is_of_the_mode_that_its_goal_is_for():
    rows = [
        row(),
        row(mode="tap", turnaround_ms=900.0, voice_to_voice_ms=800.0, first_sound_ms=None),
    ]
    figures = figures_of(rows)
    assert figures["turnaround_ms_p50"] == 300
    assert figures["voice_to_voice_ms_p50"] == 800
    assert figures["voice_to_voice_hold_ms_p95"] == 600
    assert figures["first_sound_ms_p95"] == 50
    assert figures["word_error_rate"] == 0
    assert figures["unanswered"] == figures["cut_off"] == figures["gaps"] == 0


def test_where_only_one_mode_was_asked_in_all_figures_are_of_that():
    figures = figures_of([row(mode="tap", turnaround_ms=700.0, first_sound_ms=None)])
    assert (figures["turnaround_ms_p50"], figures["voice_to_voice_ms_p50"]) == (700, 600)
    assert "first_sound_ms_p50" not in figures


def test_noise_levels_are_kept_apart_and_in_order():
    rows = [row(place="snr_10", heard="Why is the"), row(place="snr_20"), row()]
    assert places(rows) == ["quiet", "snr_20", "snr_10"]
    figures = figures_of(rows)
    assert figures["word_error_rate"] == figures["word_error_rate_snr_20"] == 0
    assert figures["word_error_rate_snr_10"] == 0.4


def test_what_went_wrong_is_counted_and_jitter_kept_out_of_the_times():
    rows = [
        row(mode="tap", cut_off=True, paused=True, answered=False, voice_to_voice_ms=None),
        row(jitter_ms=50, turnaround_ms=9000.0, gaps=2, longest_silence_ms=400.0),
        row(),
    ]
    figures = figures_of(rows)
    assert (figures["cut_off"], figures["asked_with_pause"], figures["unanswered"]) == (1, 1, 1)
    assert (figures["gaps"], figures["gaps_with_jitter"]) == (0, 2)
    assert figures["longest_silence_ms_max"] == 400
    assert figures["turnaround_ms_p95"] == 300


def test_the_plain_pipeline_is_set_side_by_side():
    figures = figures_of([row(), row(mode="tap"), PLAIN])
    assert figures["baseline_ratio_turnaround"] == 4
    assert figures["baseline_word_error_rate"] == 0.4
    assert set(pictures_of([row(), row(mode="tap"), PLAIN])) == {
        "turnaround",
        "voice-to-voice",
        "first-sound",
        "stages",
        "baseline",
    }


def test_stages_follow_each_other():
    table = stage_rows([row(), row(text_ms=-50.0)])
    assert [entry["p50 ms"] for entry in table] == [-50, 300]
    assert [entry["step ms"] for entry in table] == [-50, 350]


def test_turns_that_skip_the_model_do_not_mix_into_the_stages():
    reviewed = row(first_token_ms=None, text_ms=900.0, first_frame_ms=950.0)
    table = stage_rows([row(first_token_ms=200.0), reviewed])
    assert [entry["p50 ms"] for entry in table] == [100, 200, 300]


def test_words_that_nobody_knows_give_no_rate():
    assert error_rate([row(spoken=None)]) is None
    assert "word_error_rate" not in figures_of([row(spoken=None)])


@pytest.mark.parametrize(
    "arguments", [["--count", "0"], ["--snr", "99"], ["--mode", "shout"], ["--age", "2"]]
)
def test_what_cannot_be_measured_is_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        latency.parse(arguments)
    assert "error:" in capsys.readouterr().err


def test_a_folder_without_recordings_ends_the_run_in_plain_words(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(latency, "OUT", tmp_path / "latency.json")
    assert latency.main(["--questions", str(tmp_path)]) == 1
    assert "no WAV file" in " ".join(capsys.readouterr().out.split())


def test_the_plan_holds_every_kind_of_question():
    held, tapped, jittered = latency.plan(latency.parse(["--count", "6"]))
    assert [q.place for q in held.questions].count("snr_10") == 6
    assert {q.noise for q in held.questions} == {"", "babble", "fan", "clatter"}
    assert any(q.paused for q in tapped.questions)
    assert jittered.jitter_ms and jittered.whole
    only_quiet = latency.plan(latency.parse(["--count", "3", "--snr", "0", "--mode", "hold"]))
    assert {q.place for series in only_quiet for q in series.questions} == {"quiet"}


@pytest.mark.timeout(240)
def test_a_small_run_measures_every_stage_and_draws_it(tmp_path, monkeypatch):
    monkeypatch.setattr(latency, "OUT", tmp_path / "latency.json")
    target = tmp_path / "small.json"
    # Small children get the shortest answers.
    arguments = ["--quick", "--count", "1", "--snr", "0", "--mode", "hold", "--age", "3"]
    arguments += ["--json", str(target)]
    assert latency.main(arguments) == 0
    result = json.loads(target.read_text())
    wanted = {
        f"{name}_ms_{percent}"
        for name in ("turnaround", "voice_to_voice", "first_sound")
        for percent in ("p50", "p95")
    }
    assert wanted | {"word_error_rate", "unanswered", "gaps_with_jitter"} <= set(result["figures"])
    assert result["runs"] == len(result["rows"])
    assert (tmp_path / "small-stages.svg").is_file()


@pytest.mark.timeout(240)
def test_the_plain_pipeline_hears_and_answers():
    answers = []
    asyncio.run(baseline.measure(Settings(), made_questions(1), 7, answers.append))
    (answer,) = answers
    assert word_error_rate(answer.question.text, answer.heard) <= 0.4
    assert answer.said
    times = (
        answer.text_ms,
        answer.first_token_ms,
        answer.first_sentence_ms,
        answer.first_speech_ms,
    )
    assert list(times) == sorted(times)
    assert answer.voice_to_voice_ms > baseline.SILENCE_MS
