"""The venue's time out of its answers: the quickest of the newest ones counts."""

from __future__ import annotations

from adapters.common.venue_clock import VenueClock

NANOS = 1_000_000_000


def test_before_any_answer_our_own_time_has_to_do() -> None:
    clock = VenueClock(lambda: 5 * NANOS)
    assert not clock.known
    assert clock.now() == 5 * NANOS


def test_the_quickest_answer_counts_and_half_its_way_is_taken_off() -> None:
    now = 100 * NANOS
    clock = VenueClock(lambda: now)
    clock.told(now + 9 * NANOS, 4.0)
    clock.told(now + 3 * NANOS, 0.2)
    clock.told(now + 8 * NANOS, 2.0)
    assert clock.ahead_ns == 3 * NANOS + NANOS // 10
    assert clock.now() == now + clock.ahead_ns


def test_a_clock_that_was_set_is_measured_anew() -> None:
    clock = VenueClock(lambda: 0)
    clock.told(7 * NANOS, 0.0)
    clock.forget()
    assert not clock.known
    clock.told(-2 * NANOS, 0.5)
    assert clock.ahead_ns == -2 * NANOS + NANOS // 4


def test_what_was_measured_long_ago_is_forgotten() -> None:
    clock = VenueClock(lambda: 0)
    clock.told(50 * NANOS, 0.0)
    for _ in range(8):
        clock.told(NANOS, 1.0)
    assert clock.ahead_ns == NANOS + NANOS // 2
