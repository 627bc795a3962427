"""The holidays that are data, against the rules of the exchanges, computed here by other means."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from engine.market.calendars.cme_holidays import CME_HOLIDAYS
from engine.market.calendars.us_equities_holidays import US_EQUITIES_HOLIDAYS

DAY = timedelta(days=1)
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
MOURNING = date(2025, 1, 9)
"""Of a president: no rule foresees it."""
YEARS = range(2025, 2029)


def nth(year: int, month: int, weekday: int, n: int) -> date:
    """The nth such weekday of a month; the last with -1."""
    days = [date(year, month, 1) + k * DAY for k in range(31)]
    return [day for day in days if day.month == month and day.weekday() == weekday][n - (n > 0)]


def easter(year: int) -> date:
    """Sunday after the first full moon of spring, by the Gregorian reckoning of Meeus, Jones and Butcher."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    l = (32 + 2 * e + 2 * i - h - k) % 7  # noqa: E741 - as in every table of it
    m = (a + 11 * h + 22 * l) // 451
    month, day = divmod(h + l - 7 * m + 114, 31)
    return date(year, month, day + 1)


def kept(day: date) -> date:
    """On which weekday a holiday of a fixed date is kept."""
    return day - DAY if day.weekday() == SATURDAY else day + DAY if day.weekday() == SUNDAY else day


def great(year: int) -> set[date]:
    """On which no exchange of either kind opens. New Year's Day on a Saturday is not kept: the day before
    ends a year of the books.
    """
    new_year = date(year, 1, 1)
    return {
        easter(year) - 2 * DAY,
        kept(date(year, 12, 25)),
        *(() if new_year.weekday() == SATURDAY else (kept(new_year),)),
    }


def small(year: int) -> set[date]:
    """The other federal holidays that the stock exchange keeps."""
    return {
        nth(year, 1, MONDAY, 3),
        nth(year, 2, MONDAY, 3),
        nth(year, 5, MONDAY, -1),
        kept(date(year, 6, 19)),
        kept(date(year, 7, 4)),
        nth(year, 9, MONDAY, 1),
        nth(year, 11, THURSDAY, 4),
    }


def half(year: int) -> set[date]:
    """Half days: before Independence Day and Christmas from Monday to Thursday, and after Thanksgiving."""
    eves = (date(year, 7, 3), date(year, 12, 24))
    return {nth(year, 11, THURSDAY, 4) + DAY, *(day for day in eves if day.weekday() <= THURSDAY)}


@pytest.mark.parametrize(
    ("year", "sunday"), [(2024, (3, 31)), (2025, (4, 20)), (2026, (4, 5)), (2027, (3, 28)), (2038, (4, 25))]
)
def test_easter_is_reckoned_right(year: int, sunday: tuple[int, int]) -> None:
    assert easter(year) == date(year, *sunday)


@pytest.mark.parametrize("year", YEARS)
def test_the_stock_exchanges_days_are_those_of_its_rules(year: int) -> None:
    data = US_EQUITIES_HOLIDAYS
    closed, early = great(year) | small(year), half(year)
    assert {day for day in data.closed if day.year == year} - {MOURNING} == closed
    assert {day: end for day, end in data.early.items() if day.year == year} == dict.fromkeys(early, time(13))


@pytest.mark.parametrize("year", YEARS)
def test_the_futures_days_are_those_of_their_rules(year: int) -> None:
    data = CME_HOLIDAYS
    early = dict.fromkeys(small(year), time(12)) | dict.fromkeys(half(year), time(12, 15))
    assert {day for day in data.closed if day.year == year} == great(year)
    found = {day: end for day, end in data.early.items() if day.year == year and day != MOURNING}
    assert found == early


@pytest.mark.parametrize("data", [CME_HOLIDAYS, US_EQUITIES_HOLIDAYS])
def test_no_day_lies_outside_the_years_that_are_known_or_on_a_weekend(data: object) -> None:
    assert isinstance(data, type(CME_HOLIDAYS))
    assert data.years == YEARS
    days = (*data.closed, *data.early)
    assert {day.year for day in days} == set(YEARS)
    assert all(day.weekday() < SATURDAY for day in days)
    assert not data.closed & data.early.keys()
