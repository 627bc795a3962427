"""One book of late, by hand: its fall over days of which each has extremes, its curve, its trades."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market.calendars.known import ALWAYS, CME
from engine.model.market import MINUTE, NANOS
from engine.model.view import EquityPoint
from engine.portfolio.recent import fall_of, recent, results_of_days
from engine.state.days import DayResult
from engine.state.state import BookState, State
from tests.portfolio.test_statistics import trade

DAY = 24 * 60 * MINUTE
NOW = 1_772_409_600 * NANOS + 15 * 60 * MINUTE
"""2026-03-02, a Monday, 15:00 UTC."""


def day(net: int, high: int = 0, low: int = 0, fall: int = 0, date: str = "2026-02-27") -> DayResult:
    return DayResult(date, Decimal(net), Decimal(high), Decimal(low), Decimal(fall))


def test_a_fall_goes_over_days_and_counts_what_no_close_shows() -> None:
    # 1000 → high 1100, close 1050 → low 950, close 1020: 1100 − 950 = 150 below 1100. Now 80 below.
    found = fall_of([day(50, high=100, fall=60), day(-30, low=-100, fall=100)], Decimal(1000))
    assert (found.deepest_usd, found.now_usd) == (Decimal(150), Decimal(80))
    assert found.deepest == pytest.approx(150 / 1100)
    assert found.now == pytest.approx(80 / 1100)
    # A day's own fall from its own high, which lies below the highest: 1200, then high 1150, fall 90 of it.
    found = fall_of([day(200, high=200), day(-100, high=0, low=-100, fall=100)], Decimal(1000))
    assert (found.deepest_usd, found.now_usd) == (Decimal(100), Decimal(100))
    assert fall_of([day(10, high=10)], Decimal(0)).deepest is None, "the start is not known"
    assert fall_of([], Decimal(1000)).now == 0.0


steps = st.lists(st.lists(st.integers(-500, 500), min_size=1, max_size=6), min_size=1, max_size=6)


@given(steps)
def test_a_fall_over_days_is_the_deepest_of_all_pairs(days: list[list[int]]) -> None:
    told = []
    for moves in days:
        totals = [0, *accumulate(moves)]
        deepest = max(high - low for n, high in enumerate(totals) for low in totals[n:])
        told.append(day(totals[-1], max(totals), min(totals), deepest))
    values = [1000, *accumulate([move for moves in days for move in moves], initial=1000)]
    found = fall_of(told, Decimal(1000))
    assert found.deepest_usd == max(high - low for n, high in enumerate(values) for low in values[n:])
    assert found.now_usd == max(values) - values[-1]


def book(*days: DayResult) -> BookState:
    made = BookState("b")
    made.days = list(days)
    return made


def test_the_curve_begins_thirty_days_ago_with_what_the_account_was_worth() -> None:
    known = book(day(999, date="2026-01-30"), day(10, date="2026-02-02"), day(-4, date="2026-02-27"))
    known.day.curve = [EquityPoint(NOW - 60 * MINUTE, Decimal(5))]
    known.trades = [trade("7", at=NOW - 31 * DAY), trade("3", at=NOW - 2 * DAY)]
    state = State()
    found = recent(known, state, CME, NOW, Decimal(2006), Decimal(8))
    # 2026-02-01 is the first of thirty; the day opened at 2006, so they began at 2006 − 10 + 4.
    assert found.start_usd == 2000
    assert [usd for _, usd in found.equity] == [2010, 2006, 2011, 2014]
    assert [ts for ts, _ in found.equity] == sorted(ts for ts, _ in found.equity)
    assert found.equity[-1][0] == NOW
    assert recent(known, state, CME, NOW, None, Decimal(0)).start_usd == 0


def test_days_without_a_trade_are_days() -> None:
    known = book(day(10, date="2026-02-23"), day(-4, date="2026-02-27"))
    # Monday to Friday, and the weekend of a market that never closes is days too.
    assert results_of_days(known, CME) == [10, 0, 0, 0, -4]
    assert results_of_days(book(), ALWAYS) == []
