from __future__ import annotations

from datetime import date, datetime, time

import pytest

from adapters.simulator.market.hours import (
    CHICAGO,
    NANOS,
    is_practice_day,
    market_open,
    nanos,
    next_open,
    orders_accepted,
    practice_days_before,
    practice_open,
    session,
    trade_date,
)

FRIDAY = date(2026, 11, 20)
MONDAY = date(2026, 11, 23)


def at(day: date, clock: str) -> int:
    return nanos(day, time.fromisoformat(clock))


@pytest.mark.parametrize(
    ("clock", "quotes", "orders"),
    [
        ("15:09:59", True, True),
        ("15:10:00", True, False),
        ("15:59:59", True, False),
        ("16:00:00", False, False),
        ("16:59:59", False, False),
    ],
)
def test_the_end_of_a_day(clock: str, quotes: bool, orders: bool) -> None:
    ts = at(FRIDAY, clock)
    assert (market_open(ts), orders_accepted(ts)) == (quotes, orders)


def test_thursday_evening_belongs_to_friday_and_friday_evening_to_nobody() -> None:
    thursday, friday = at(date(2026, 11, 19), "17:00"), at(FRIDAY, "17:00")
    assert trade_date(thursday) == FRIDAY
    assert orders_accepted(thursday)
    assert not market_open(friday)
    assert not market_open(at(date(2026, 11, 22), "16:59:59"))
    assert orders_accepted(at(date(2026, 11, 22), "17:00"))


def test_a_session_is_23_hours_in_every_week_of_the_year() -> None:
    for day in (date(2026, 3, 9), date(2026, 11, 2), FRIDAY):
        assert session(day).close - session(day).open == 23 * 3600 * NANOS


@pytest.mark.parametrize(
    "closed",
    [
        "2026-11-21",
        "2026-11-26",
        "2026-11-27",
        "2026-12-25",
        "2026-04-03",
        "2026-07-03",
        "2026-05-25",
        "2027-01-01",
    ],
)
def test_weekends_and_holidays_are_no_practice_days(closed: str) -> None:
    assert not is_practice_day(date.fromisoformat(closed))


def test_practice_days_skip_the_weekend_and_thanksgiving() -> None:
    before = practice_days_before(date(2026, 12, 1), 3)
    assert [day.isoformat() for day in before] == ["2026-11-24", "2026-11-25", "2026-11-30"]


def test_practice_opens_five_minutes_before_the_cash_market() -> None:
    wall = datetime.fromtimestamp(practice_open(FRIDAY) / NANOS, CHICAGO)
    assert (wall.date(), wall.time()) == (FRIDAY, time(8, 25))


@pytest.mark.parametrize(
    ("saved", "opens"),
    [
        (None, at(FRIDAY, "08:25")),
        (at(FRIDAY, "08:25"), at(FRIDAY, "08:25")),
        (at(FRIDAY, "14:29:59"), at(FRIDAY, "14:29:59")),
        (at(FRIDAY, "14:30"), at(MONDAY, "08:25")),
        (at(FRIDAY, "23:00"), at(MONDAY, "08:25")),
        (at(FRIDAY, "03:00"), at(FRIDAY, "08:25")),
        (at(date(2026, 11, 21), "12:00"), at(MONDAY, "08:25")),
        (at(date(2026, 11, 25), "15:00"), at(date(2026, 11, 30), "08:25")),
    ],
)
def test_where_practice_time_goes_on(saved: int | None, opens: int) -> None:
    assert next_open(saved, FRIDAY) == opens


def test_the_very_first_start_at_a_weekend_is_on_monday() -> None:
    assert next_open(None, date(2026, 11, 21)) == at(MONDAY, "08:25")
