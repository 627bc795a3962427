"""How long to wait: after failures, and until one more may be done."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.common.pacing import Backoff, TokenBucket


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_pauses_double_to_the_cap_and_up_to_half_is_left_to_chance(seed: int, failures: int) -> None:
    backoff = Backoff(0.5, 30.0, random.Random(seed))
    for number in range(failures):
        longest = min(30.0, 0.5 * 2**number)
        assert longest / 2 <= backoff.pause_s() <= longest


def test_what_worked_or_held_longer_than_the_cap_begins_anew() -> None:
    backoff = Backoff(1.0, 30.0)
    for _ in range(9):
        backoff.pause_s()
    backoff.held(30.0)
    assert backoff.pause_s() > 14
    backoff.held(30.1)
    assert backoff.pause_s() <= 1.0
    backoff.pause_s()
    backoff.worked()
    assert backoff.pause_s() <= 1.0


@given(st.lists(st.floats(0, 300), max_size=80), st.integers(1, 8), st.floats(0.1, 60))
def test_a_bucket_gives_no_more_than_its_size_and_its_refills(
    gaps: list[float], size: int, refill_s: float
) -> None:
    bucket, now, taken = TokenBucket(size, refill_s), 1_000.0, 0
    for gap in gaps:
        now += gap
        wait = bucket.wait_s(now)
        assert 0 <= wait <= refill_s
        if wait == 0:
            bucket.take(now)
            taken += 1
        assert taken <= size + (now - 1_000.0) / refill_s + 1e-6


def test_after_a_burst_one_goes_each_refill() -> None:
    bucket = TokenBucket(2, 10.0)
    bucket.take(0.0)
    bucket.take(0.0)
    assert bucket.wait_s(0.0) == 10.0
    assert bucket.wait_s(7.5) == pytest.approx(2.5)
    bucket.take(7.5)
    assert bucket.wait_s(7.5) == 10.0, "one that is done before its time leaves nothing owed"
    assert bucket.wait_s(17.5) == 0.0
