"""Figures over time as points of a drawing."""

import time

from hypothesis import given
from hypothesis import strategies as st

from relay.parent.charts import HEIGHT, WIDTH, chart, increases, scaled

NOON = int(time.mktime((2026, 11, 22, 12, 0, 0, 0, 0, -1)))


def test_a_line_goes_from_corner_to_corner():
    made = chart("x", [(0, 0), (50, 50), (100, 100)], begin=0, end=100, gap_s=60)
    assert made.lines == ("4.0,76.0 150.0,40.0 296.0,4.0",)
    assert (made.low, made.high, made.latest) == (0, 100, 100)


def test_over_a_gap_there_is_no_line_and_one_value_is_a_dot():
    made = chart("x", [(0, 1), (10, 2), (90, 3)], begin=0, end=100, gap_s=20)
    assert len(made.lines) == 2
    first, second = made.lines[1].split(" ")
    assert first == second


def test_nothing_known_is_no_chart():
    assert chart("x", [], begin=0, end=100, gap_s=20) is None
    assert chart("x", [(5, None), (200, 1)], begin=0, end=100, gap_s=20) is None


def test_days_are_told_in_figures_newest_first():
    values = [(NOON - 24 * 3600, 9), (NOON, 5), (NOON + 1, 1), (NOON + 2, 3)]
    made = chart("x", values, begin=NOON - 48 * 3600, end=NOON + 9, gap_s=99)
    assert [(row.low, row.middle, row.high) for row in made.days] == [(1, 3, 5), (9, 9, 9)]


def test_a_count_that_began_anew_counts_from_nothing():
    assert increases([(1, 5), (2, 7), (3, None), (4, 1)]) == [(2, 2), (4, 1)]
    assert scaled([(1, 2048), (2, None)], lambda value: value // 1024) == [(1, 2), (2, None)]


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.none() | st.integers(-(2**31), 2**31))),
    st.none() | st.just((-95, -30)),
)
def test_whatever_the_figures_every_point_is_in_the_drawing(values, edges):
    made = chart(
        "x", sorted(values, key=lambda one: one[0]), begin=0, end=10**6, gap_s=9, edges=edges
    )
    for line in made.lines if made else ():
        for point in line.split(" "):
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT


def test_what_cannot_be_negative_begins_at_zero():
    flat = chart("x", [(0, 0), (9, 0)], begin=0, end=9, gap_s=9, from_zero=True)
    assert (flat.low, flat.high) == (0, 1)
    high = chart("x", [(0, 610), (9, 612)], begin=0, end=9, gap_s=9, from_zero=True)
    assert (high.low, high.high) == (0, 700)
    assert chart("x", [(0, 7)], begin=0, end=9, gap_s=9).low == 6
