"""Load and memory: what rows mean, and small runs against a real relay in a process of its own."""

import json
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.bench import load, memory
from tools.bench.load_figures import figures_of, pictures_of, summary
from tools.bench.watched import first_frame_ms, lag_ms, turns_ended

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def row(children=8, first_ms=100.0, good=1.0):
    return {
        "children": children,
        "first_speech_ms": first_ms,
        "good_share": good,
        "processor_s": 0.5,
    }


def test_figures_are_of_eight_children_where_they_were_asked():
    rows = [row(1, 50.0), *(row(8, 100.0 * n) for n in range(1, 9)), row(16, 9999.0)]
    figures = figures_of(rows)
    assert figures["children"] == 8
    assert (figures["first_speech_ms_p50"], figures["first_speech_ms_p95"]) == (400, 800)
    assert figures["first_speech_ms_max"] == 800
    assert figures["first_speech_16_ms_p50"] == 9999
    assert figures["processor_s_per_question"] == 0.5
    assert figures_of([row(4, 70.0)])["children"] == 4
    assert [entry["children"] for entry in summary(rows)] == [1, 8, 16]
    assert set(pictures_of(rows)) == {"children"}


def test_a_kind_line_that_it_did_not_work_is_no_answer():
    rows = [row(4, 100.0, good=0.75)] * 4
    assert figures_of(rows)["unanswered"] == 1
    assert summary(rows)[0]["unanswered"] == 1


def test_more_children_than_the_goal_is_for_are_counted_apart():
    figures = figures_of([row(8)] * 8 + [row(16, good=0.5)] * 16)
    assert (figures["unanswered"], figures["unanswered_16"]) == (0, 8)


def test_who_heard_nothing_spoils_no_time():
    rows = [row(2, None, good=0.5), row(2, 300.0, good=0.5)]
    assert figures_of(rows)["first_speech_ms_p95"] == 300
    assert figures_of(rows)["unanswered"] == 1


def test_lag_is_read_from_the_buckets_that_grew():
    def buckets(*counts):
        edges = ("0.001", "0.01", "0.1", "+Inf")
        name = "bramble_event_loop_lag_seconds_bucket"
        return {(name, (("le", le),)): n for le, n in zip(edges, counts, strict=True)}

    assert lag_ms(buckets(9, 9, 9, 9), buckets(9, 109, 109, 109), 95) == 10
    assert lag_ms(buckets(0, 0, 0, 0), buckets(96, 96, 100, 100), 95) == 1
    assert lag_ms(buckets(5, 5, 5, 5), buckets(5, 5, 5, 5), 95) is None
    assert lag_ms({}, {}, 95) is None


def test_what_the_relay_says_of_a_stage_is_that_of_this_stage_and_time():
    def buckets(stage, *counts):
        name = "bramble_turn_stage_seconds_bucket"
        edges = ("0.3", "1.0", "+Inf")
        return {
            (name, (("le", le), ("stage", stage))): n for le, n in zip(edges, counts, strict=True)
        }

    before = buckets("first_frame", 50, 50, 50) | buckets("text", 9, 9, 9)
    after = buckets("first_frame", 51, 60, 60) | buckets("text", 99, 99, 99)
    assert first_frame_ms(before, after, 95) == 1000
    assert first_frame_ms(before, after, 10) == 300
    assert first_frame_ms(before, buckets("first_frame", 50, 50, 60), 95) is None


def test_turns_are_read_by_outcome():
    figures = {("bramble_turns_total", (("outcome", "answered"),)): 3.0, ("other", ()): 1.0}
    assert turns_ended(figures) == {"answered": 3}


@settings(deadline=None)
@given(
    st.floats(-1e4, 1e4, allow_nan=False),
    st.floats(0, 1e9, allow_nan=False),
    st.integers(5, 40),
    st.data(),
)
def test_the_slope_does_not_mind_a_few_jumps(slope, start, count, data):
    points = [(float(x), start + slope * x) for x in range(count)]
    for _ in range(count // 10):
        at = data.draw(st.integers(0, count - 1))
        points[at] = (points[at][0], data.draw(st.floats(-1e9, 1e9, allow_nan=False)))
    median, low, high = memory.theil_sen(points)
    assert median == pytest.approx(slope, rel=1e-3, abs=1e-3)
    assert low <= median <= high


def test_chance_makes_the_slope_s_interval_wide_and_holds_the_slope():
    chance = random.Random(3)  # the same in every run
    points = [(float(x), 7.0 * x + chance.gauss(0, 20)) for x in range(40)]
    _median, low, high = memory.theil_sen(points)
    assert 5 < low < 7 < high < 9


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 3.0)]])
def test_no_slope_without_two_points(points):
    with pytest.raises(ValueError, match="two points"):
        memory.theil_sen(points)


def test_growth_is_that_after_the_warm_up():
    rows = [{"turn": n, "bytes": 1e8 + (0 if n < 20 else 5e7) + 100 * n} for n in range(0, 41, 5)]
    figures = memory.figures_of(rows)
    assert figures["growth_bytes_per_turn"] == 100
    assert figures["turns"] == 40
    assert "growth_bytes_per_turn" not in memory.figures_of(rows[:1])


@pytest.mark.parametrize(
    ("parse", "arguments"),
    [
        (load.parse, ["--toys", "0"]),
        (load.parse, ["--children", "1000"]),
        (load.parse, ["--rounds", "0"]),
        (load.parse, ["--settle", "-1"]),
        (memory.parse, ["--turns", "-1"]),
    ],
)
def test_what_cannot_be_measured_is_refused(parse, arguments, capsys):
    with pytest.raises(SystemExit):
        parse(arguments)
    assert "error:" in capsys.readouterr().err


@ON_LINUX
@pytest.mark.timeout(240)
def test_a_small_load_is_measured(tmp_path):
    target = tmp_path / "load.json"
    arguments = ["--toys", "3", "--watch", "1", "--children", "2", "--rounds", "1"]
    arguments += ["--settle", "2", "--interruptions", "2"]
    # 1 where a busy machine leaves a child with a kind line: that is what it is there to tell.
    assert load.main([*arguments, "--json", str(target)]) in {0, 1}
    result = json.loads(target.read_text())
    wanted = {"idle_cpu_share", "idle_megabytes", "unanswered", "first_speech_ms_p95"}
    wanted |= {"start_processor_s", "cancel_reading_ms_p95", "cancel_writing_ms_p95"}
    assert wanted <= set(result["figures"])
    assert len(result["rows"]) == 2
    assert all("relay_first_frame_ms_p95_below" in each for each in result["rows"])
    assert all(each["frames"] > 0 and each["reason"] == "done" for each in result["rows"])
    assert (tmp_path / "load-children.svg").is_file()


@ON_LINUX
@pytest.mark.timeout(240)
def test_memory_is_reported(tmp_path):
    target = tmp_path / "memory.json"
    assert memory.main(["--turns", "10", "--json", str(target)]) == 0
    figures = json.loads(target.read_text())["figures"]
    assert figures["turns"] == 10
    assert "growth_bytes_per_turn" in figures
    assert (tmp_path / "memory-turns.svg").is_file()
