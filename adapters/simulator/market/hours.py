"""When the practice venue is open, in Chicago time, and on which day it lets people practise.

Its own small table on purpose: the venue must not share the engine's idea of a session.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

CHICAGO = ZoneInfo("America/Chicago")
NANOS = 1_000_000_000
PRACTICE_OPEN = time(8, 25)
LEAD_NS = 10 * NANOS
"""A practice day begins so long before 08:25: who is there by then sees the first minute whole."""
RESUME_UNTIL = time(14, 30)
_OPEN, _CUT_OFF, _CLOSE = time(17, 0), time(15, 10), time(16, 0)


class MarketDay(NamedTuple):
    """One trading day, nanoseconds UTC: quotes in [open, close), orders in [open, cut_off)."""

    open: int
    cut_off: int
    """15:10: from here until the next open, orders are refused (docs/protocols/projectx.md#trading-day)."""
    close: int


def nanos(day: date, at: time) -> int:
    """An instant given in Chicago time."""
    return int(datetime.combine(day, at, CHICAGO).timestamp()) * NANOS


def chicago(ts: int) -> datetime:
    """Chicago wall time, whole seconds."""
    return datetime.fromtimestamp(ts // NANOS, UTC).astimezone(CHICAGO)


def trade_date(ts: int) -> date:
    """The trading day that an instant belongs to: it begins at 17:00 of the evening before."""
    wall = chicago(ts)
    return wall.date() + timedelta(days=1) if wall.time() >= _OPEN else wall.date()


@lru_cache(maxsize=64)
def session(day: date) -> MarketDay:
    """Bounds of one trading day, whether or not it is traded."""
    return MarketDay(nanos(day - timedelta(days=1), _OPEN), nanos(day, _CUT_OFF), nanos(day, _CLOSE))


def market_open(ts: int) -> bool:
    """Whether quotes flow: not from 16:00 to 17:00, nor at weekends, nor on days without any trading."""
    day = trade_date(ts)
    return _traded(day) and ts < session(day).close


def orders_accepted(ts: int) -> bool:
    """Whether an order may be placed: the market is open and it is not yet 15:10."""
    day = trade_date(ts)
    return _traded(day) and ts < session(day).cut_off


def is_practice_day(day: date) -> bool:
    """An ordinary weekday: no holiday, no early close."""
    return day.weekday() < 5 and day not in _full_closures(day.year) | _short_days(day.year)


def practice_open(day: date) -> int:
    """08:25 Chicago time of a day, five minutes before the cash market."""
    return nanos(day, PRACTICE_OPEN)


def next_open(saved: int | None, today: date) -> int:
    """Where practice time begins: a saved time if it is in the middle of a day, else 08:25 of a practice day.

    `saved` is the practice time at which the venue last stopped, None at the very first start; then
    `today` is the real date in Chicago. Practice time never goes back.
    """
    if saved is None:
        day = today
    else:
        wall = chicago(saved)
        if is_practice_day(wall.date()):
            if PRACTICE_OPEN <= wall.time() < RESUME_UNTIL:
                return saved
            if wall.time() < PRACTICE_OPEN:
                return practice_open(wall.date())
        day = wall.date() + timedelta(days=1)
    while not is_practice_day(day):
        day += timedelta(days=1)
    return practice_open(day)


def practice_days_before(day: date, count: int) -> list[date]:
    """The latest practice days before a day, oldest first."""
    found: list[date] = []
    while len(found) < count:
        day -= timedelta(days=1)
        if is_practice_day(day):
            found.append(day)
    return found[::-1]


def _traded(day: date) -> bool:
    return day.weekday() < 5 and day not in _full_closures(day.year)


@lru_cache(maxsize=16)
def _full_closures(year: int) -> frozenset[date]:
    return frozenset((date(year, 1, 1), _easter(year) - timedelta(days=2), date(year, 12, 25)))


@lru_cache(maxsize=16)
def _short_days(year: int) -> frozenset[date]:
    """Holidays on which CME trades for half a day, and the eves with an early close."""
    thanksgiving = _nth_weekday(year, 11, 3, 4)
    fixed = (date(year, 6, 19), date(year, 7, 3), date(year, 7, 4), date(year, 12, 24), date(year, 12, 31))
    return frozenset(
        (
            _nth_weekday(year, 1, 0, 3),
            _nth_weekday(year, 2, 0, 3),
            _nth_weekday(year, 6, 0, 1) - timedelta(days=7),
            _nth_weekday(year, 9, 0, 1),
            thanksgiving,
            thanksgiving + timedelta(days=1),
            *fixed,
            *(_observed(day) for day in (date(year, 1, 1), *fixed[:1], fixed[2], date(year, 12, 25))),
        )
    )


def _observed(day: date) -> date:
    """The weekday on which a holiday that falls on a weekend is kept."""
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Gauss's rule as corrected by Lichtenberg)."""
    century = year // 100
    moon = 15 + (3 * century + 3) // 4 - (8 * century + 13) // 25
    sun = 2 - (3 * century + 3) // 4
    golden = year % 19
    seed = (19 * golden + moon) % 30
    shift = seed // 29 + (seed // 28 - seed // 29) * (golden // 11)
    limit = 21 + seed - shift
    first_sunday = 7 - (year + year // 4 + sun) % 7
    return date(year, 3, 1) + timedelta(days=limit + 7 - (limit - first_sunday) % 7 - 1)
