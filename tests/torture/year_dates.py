"""When the virtual year is what: an oracle of its own, which shares no line with the engine's calendars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.market.test_holidays import great, half, nth, small

NANOS = 1_000_000_000
MINUTE = 60 * NANOS
DAY = timedelta(days=1)
_FRIDAY, _SATURDAY = 4, 5
_BEFORE_EARLY_CLOSE = timedelta(minutes=10)


class Market(NamedTuple):
    """One market's days on its own wall; holidays are reckoned by the exchanges' rules."""

    name: str
    """As the engine calls its calendar."""
    zone: ZoneInfo
    eve: timedelta = timedelta()
    """So long before midnight its trade date begins."""
    opens: time | None = None
    """None: with the trade date."""
    closes: time | None = None
    """None: it never closes."""
    flat: time | None = None
    """When nothing may be held on a day of usual length."""
    small: time | None = None
    """When it closes on the lesser holidays; None: it does not open."""
    half: time | None = None

    def trade_date(self, ts: int) -> date:
        """The trade date of an instant, nanoseconds UTC."""
        wall = datetime.fromtimestamp(ts // NANOS, UTC).astimezone(self.zone).replace(tzinfo=None)
        return (wall + self.eve).date()

    def begins(self, day: date) -> int:
        """When a trade date begins, nanoseconds UTC."""
        wall = datetime.combine(day, time()) - self.eve
        return _instant(wall, self.zone)

    def session(self, day: date) -> tuple[int, int] | None:
        """[open, close) of a trade date, nanoseconds UTC; None where it does not open."""
        return _session(self, day)

    def deadline(self, day: date) -> int | None:
        """When nothing may be held any more; None where there is no such time."""
        found = _session(self, day)
        if found is None or self.flat is None or self.closes is None:
            return None
        usual = found[1] == _instant(datetime.combine(day, self.closes), self.zone)
        if usual:
            return _instant(datetime.combine(day, self.flat), self.zone)
        return found[1] - int(_BEFORE_EARLY_CLOSE.total_seconds()) * NANOS

    def is_open(self, ts: int) -> bool:
        found = _session(self, self.trade_date(ts))
        return found is not None and found[0] <= ts < found[1]


def _instant(wall: datetime, zone: ZoneInfo) -> int:
    return int(wall.replace(tzinfo=zone).timestamp()) * NANOS


@cache
def _session(market: Market, day: date) -> tuple[int, int] | None:
    begins = market.begins(day)
    if market.closes is None:
        return begins, market.begins(day + DAY)
    lesser = day in small(day.year)
    if day.weekday() >= _SATURDAY or day in great(day.year) or (lesser and market.small is None):
        return None
    closes = market.closes
    if lesser and market.small is not None:
        closes = market.small
    elif day in half(day.year) and market.half is not None:
        closes = market.half
    opens = begins if market.opens is None else _instant(datetime.combine(day, market.opens), market.zone)
    return opens, _instant(datetime.combine(day, closes), market.zone)


CHICAGO = Market(
    "cme", ZoneInfo("America/Chicago"), timedelta(hours=7), None, time(16), time(15, 10), time(12),
    time(12, 15),
)  # fmt: skip
STREET = Market(
    "us_equities", ZoneInfo("America/New_York"), timedelta(), time(9, 30), time(16), time(15, 50), None,
    time(13),
)  # fmt: skip
COINS = Market("always", ZoneInfo("UTC"))


def utc(day: date, hour: int = 0, minute: int = 0) -> int:
    """An instant, nanoseconds UTC."""
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC).timestamp()) * NANOS


class Month(NamedTuple):
    """One contract month. Nobody should be in it any more on its last day."""

    symbol: str
    name: str
    last: date
    active_until: date
    """The trade date with which the venue's active month is the next one."""


_CODES = "FGHJKMNQUVXZ"


def months(symbol: str, first: date, last: date) -> Iterator[Month]:
    """Those of an index future (three a quarter's end) or of gold that are active between two dates."""
    gold = symbol == "MGC"
    for year in range(first.year, last.year + 2):
        for month in (2, 4, 6, 8, 10, 12) if gold else (3, 6, 9, 12):
            if gold:  # notices begin on the last weekday of the month before
                end = date(year, month, 1) - DAY
                while end.weekday() >= _SATURDAY:
                    end -= DAY
                until = end - DAY * (3 if end.weekday() == 0 else 1)
            else:
                end = nth(year, month, _FRIDAY, 3)
                until = end - 4 * DAY
            found = Month(symbol, f"{symbol}{_CODES[month - 1]}{year % 10}", end, until)
            if until > first:
                yield found
                if until > last:
                    return
