"""The bench of the way back: what it makes of what it saw, and one true run."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.bench.reconnect import Return, driver_time, figures_of, row_of
from tools.virtual_toy import Event

ROOT = Path(__file__).resolve().parents[2]


def watched(*events):
    return SimpleNamespace(toy=SimpleNamespace(events=[Event(at, *rest) for at, *rest in events]))


def test_figures_are_of_all_and_of_each():
    returns = [
        Return("relay", 3.0, 0.5, 0.0),
        Return("relay", 3.0, 1.5, 0.0),
        Return("access point", 5.0, 3.0, 2.0),
        Return("access point", 5.0, None, 0.0),
    ]
    assert figures_of(returns) == {
        "reconnect_s_p50": 1.5,
        "reconnect_s_max": 3.0,
        "reconnect_relay_s_p50": 0.5,
        "reconnect_relay_s_max": 1.5,
        "reconnect_access_point_s_p50": 3.0,
        "reconnect_access_point_s_max": 3.0,
        "failed": 1,
    }
    assert row_of(returns[2])["own_s"] == 1.0
    assert row_of(returns[3])["own_s"] is None


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], 0.0),
        ([(11, "wifi", "connect"), (12.5, "wifi", "connected")], 1.5),
        ([(9, "wifi", "connect"), (12.5, "wifi", "connected")], 2.5),
        ([(8, "wifi", "connect"), (9, "wifi", "connected")], 0.0),
        (
            [
                (8, "wifi", "connect"),
                (10.5, "wifi", "disconnected 201"),
                (11, "light", "connected"),
                (12, "wifi", "connected"),
            ],
            1.5,
        ),
        ([(11, "wifi", "connect"), (21, "wifi", "connected")], 0.0),
    ],
)
def test_the_driver_s_share(events, expected):
    assert driver_time(watched(*events), 10.0, 20.0) == pytest.approx(expected)


@pytest.mark.timeout(240)
def test_a_true_run_writes_its_figures(tmp_path):
    file = tmp_path / "reconnect.json"
    runs = ["--runs", "2", "--scenario", "relay", "--scenario", "access point"]
    subprocess.run(
        [sys.executable, "-m", "tools.bench", "reconnect", *runs, "--json", str(file)],
        cwd=ROOT,
        check=True,
        timeout=200,
    )
    result = json.loads(file.read_text())
    assert [row["scenario"] for row in result["rows"]] == ["relay"] * 2 + ["access point"] * 2
    assert result["figures"]["failed"] == 0
    assert 0 <= result["figures"]["reconnect_s_p50"] <= result["figures"]["reconnect_s_max"]
    # The rest of a search under way and joining: less would mean that the clock is wrong.
    assert all(row["total_s"] >= row["driver_s"] for row in result["rows"][2:])
    assert any(row["driver_s"] > 0 for row in result["rows"][2:])
    assert "own_s" in result["rows"][0]
