"""Pictures of figures: whole, with everything inside the frame, whatever is drawn."""

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.bench import chart

numbers = st.floats(-1e5, 1e5, allow_nan=False).map(lambda value: round(value, 3))
names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)


def places(svg):
    """Return all x and y of a picture, having read it as XML."""
    root = ElementTree.fromstring(svg)
    _, _, width, height = map(float, root.get("viewBox").split())
    for element in root:
        for attribute in ("x", "x1", "x2", "cx"):
            if (value := element.get(attribute)) is not None:
                yield float(value), width
        for attribute in ("y", "y1", "y2", "cy"):
            if (value := element.get(attribute)) is not None:
                yield float(value), height


def assert_inside(svg):
    found = list(places(svg))
    assert found
    assert all(-0.5 <= value <= most + 0.5 for value, most in found if value == value)


@settings(max_examples=60, deadline=None)
@given(numbers, numbers)
def test_ticks_are_round_and_span_what_they_are_for(one, other):
    low, high = sorted([one, other])
    marks = chart.ticks(low, high)
    step = marks[1] - marks[0] if len(marks) > 1 else 1
    assert marks[0] <= low + step * 1e-6 and marks[-1] >= high - step * 1e-6
    assert len(marks) <= 20


@settings(max_examples=60, deadline=None)
@given(names, st.dictionaries(names, st.lists(numbers, max_size=20), min_size=1, max_size=4))
def test_a_histogram_shows_every_value_inside_the_frame(title, values):
    if not any(values.values()):
        with pytest.raises(ValueError, match="nothing"):
            chart.histogram(title, "ms", values)
        return
    assert_inside(chart.histogram(title, "ms", values, {"goal <of> & 300": 300.0}))


def test_the_bars_of_a_histogram_are_as_high_as_there_are_values():
    svg = chart.histogram("t", "ms", {"a": [1.0] * 3 + [9.0], "b": [9.0] * 2})
    root = ElementTree.fromstring(svg)
    bars = [e for e in root if e.tag.endswith("rect") and float(e.get("height")) != 10]
    heights = sorted(float(bar.get("height")) for bar in bars)
    assert heights == pytest.approx([heights[0], 2 * heights[0], 3 * heights[0]], abs=0.2)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(names, st.lists(st.tuples(numbers, numbers), max_size=9), max_size=4),
    st.none() | st.tuples(names, numbers),
)
def test_a_curve_stays_inside_the_frame(lines, goal):
    if not any(lines.values()):
        with pytest.raises(ValueError, match="nothing"):
            chart.curve("t", "x", "y", lines, goal)
        return
    assert_inside(chart.curve("t", "x", "y", lines, goal))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(names, numbers, st.floats(0, 1e5)), max_size=9))
def test_a_waterfall_has_a_row_for_each_step(steps):
    steps = [(name, start, start + length) for name, start, length in steps]
    if not steps:
        with pytest.raises(ValueError, match="nothing"):
            chart.waterfall("t", "ms", steps)
        return
    svg = chart.waterfall("t", "ms", steps)
    root = ElementTree.fromstring(svg)
    assert sum(e.tag.endswith("rect") for e in root) == len(steps)


def test_a_picture_is_readable_in_the_dark():
    assert "prefers-color-scheme: dark" in chart.curve("t", "x", "y", {"a": [(0, 0), (1, 1)]})
