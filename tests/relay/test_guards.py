"""Limits on how often and how fast, with a made-up clock."""

from hypothesis import given
from hypothesis import strategies as st

from relay.guards import AttemptLimit, RealTimeGuard, TokenBucket


@given(st.lists(st.floats(0, 5), max_size=200), st.floats(0.5, 20), st.integers(1, 10))
def test_bucket_never_allows_more_than_its_rate(
    gaps: list[float], per_second: float, burst: int
) -> None:
    bucket = TokenBucket(per_second, burst, 0.0)
    now = 0.0
    allowed = 0
    for gap in gaps:
        now += gap
        allowed += bucket.take(now)
        assert allowed <= burst + now * per_second + 1e-6


def test_bucket_fills_again() -> None:
    bucket = TokenBucket(1, 2, 0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [True, True, False]
    assert bucket.take(1.0)
    assert not bucket.take(1.0)


def test_real_time_with_something_to_spare() -> None:
    guard = RealTimeGuard(3.0, 0.0)
    assert all(guard.add(1.0, 0.0) for _ in range(3))
    assert not guard.add(0.02, 0.0)
    guard.restart(10.0)
    assert guard.add(3.0, 10.0)


def test_a_backlog_after_a_stall_is_not_too_fast() -> None:
    guard = RealTimeGuard(3.0, 0.0)
    assert guard.add(7.9, 5.0)


def test_attempts_count_by_address_and_are_forgotten() -> None:
    limit = AttemptLimit(2, 60.0)
    limit.add("a", 0.0)
    assert not limit.exhausted("a", 0.0)
    limit.add("a", 30.0)
    assert limit.exhausted("a", 59.9)
    assert not limit.exhausted("b", 59.9)
    assert not limit.exhausted("a", 60.0)
    assert not limit.exhausted("a", 1000.0)


def test_attempts_of_many_addresses_take_bounded_memory() -> None:
    limit = AttemptLimit(1, 60.0)
    for number in range(AttemptLimit.MOST_ADDRESSES + 10):
        limit.add(str(number), 0.0)
    assert not limit.exhausted("0", 0.0)
    assert limit.exhausted("1000", 0.0)
