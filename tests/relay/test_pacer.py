"""The playout clock against a toy that is simulated frame by frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.pacer import PlayoutClock

FRAME_S = 0.02


@given(
    lead_ms=st.integers(20, 1000),
    prebuffer_ms=st.integers(20, 1500),
    gaps_ms=st.lists(st.integers(0, 300), min_size=1, max_size=80),
)
def test_never_further_ahead_than_the_lead(
    lead_ms: int, prebuffer_ms: int, gaps_ms: list[int]
) -> None:
    """Frames are offered after arbitrary gaps; a toy with the same rules holds at most the lead."""
    clock = PlayoutClock(lead_ms=lead_ms, prebuffer_ms=prebuffer_ms)
    lead_ms = lead_ms // 20 * 20
    toy = SimulatedToy(min(prebuffer_ms, lead_ms) / 1000)
    now = 100.0
    for gap_ms in gaps_ms:
        now += gap_ms / 1000
        wait_s = clock.wait_s(now)
        assert 0 <= wait_s <= lead_ms / 1000 + FRAME_S
        now += wait_s
        toy.pass_time(now)
        clock.sent(now)
        toy.held_s += FRAME_S
        toy.start_if_full()
        assert toy.held_s <= lead_ms / 1000 + 1e-6
        assert clock.held_s(now) == pytest.approx(toy.held_s, abs=1e-6)


class SimulatedToy:
    """Plays what it holds once it holds a prebuffer; starts over when it runs dry."""

    def __init__(self, prebuffer_s: float) -> None:
        self.prebuffer_s = prebuffer_s
        self.held_s = 0.0
        self.playing = False
        self.now = 100.0

    def start_if_full(self) -> None:
        self.playing = self.playing or self.held_s >= self.prebuffer_s - 1e-6

    def pass_time(self, now: float) -> None:
        if self.playing:
            self.held_s -= now - self.now
            if self.held_s <= 0:
                self.held_s, self.playing = 0.0, False
        self.now = now


def test_prebuffer_is_sent_at_once_and_then_real_time() -> None:
    clock = PlayoutClock(lead_ms=200, prebuffer_ms=100)
    sent_at = []
    now = 0.0
    for _ in range(30):
        now += clock.wait_s(now)
        clock.sent(now)
        sent_at.append(now)
    assert sent_at[:10] == [0.0] * 10
    for number in range(10, 30):
        assert sent_at[number] == pytest.approx((number - 9) * FRAME_S)


def test_until_low() -> None:
    clock = PlayoutClock(lead_ms=400, prebuffer_ms=100)
    for _ in range(10):
        clock.sent(0.0)
    assert clock.until_low_s(0.0) == pytest.approx(0.1)
    assert clock.until_low_s(0.05) == pytest.approx(0.05)
    assert clock.until_low_s(0.5) == 0
