"""When the virtual week is what: an oracle of its own, which shares no line with the engine's calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NANOS = 1_000_000_000
CHICAGO, HELSINKI = ZoneInfo("America/Chicago"), ZoneInfo("Europe/Helsinki")
MONDAY = date(2026, 3, 9)
"""The first trade date. The US changed its clocks the day before, the EU does on 29 March."""
USER_HOURS = ("02:00", "23:00", "Europe/Helsinki")
_SEVEN_HOURS = timedelta(hours=7)


def at(day: date, hour: int, minute: int = 0) -> int:
    """An instant on Chicago's wall, nanoseconds UTC."""
    return int(datetime.combine(day, time(hour, minute), CHICAGO).timestamp()) * NANOS


def trade_date(ts: int) -> str:
    """ISO date of the trading day that an instant belongs to."""
    wall = datetime.fromtimestamp(ts // NANOS, UTC).astimezone(CHICAGO).replace(tzinfo=None)
    return (wall + _SEVEN_HOURS).date().isoformat()


def opening(day: date) -> int:
    """17:00 Chicago time of the evening before."""
    return at(day - timedelta(days=1), 17)


def days(count: int) -> Iterator[date]:
    return (MONDAY + timedelta(days=n) for n in range(count))


def minutes_before(first: date, count: int) -> Iterator[int]:
    """Openings of the minutes of so many trade dates before one, oldest first, nanoseconds UTC."""
    for n in range(count * 7 // 5, 0, -1):
        day = first - timedelta(days=n)
        if day.weekday() < 5:
            yield from range(opening(day), at(day, 16), 60 * NANOS)


def wanted_hours(ts: int) -> bool:
    """Whether the user, in Helsinki, wants entries."""
    wall = datetime.fromtimestamp(ts // NANOS, UTC).astimezone(HELSINKI)
    return 2 <= wall.hour < 23


def must_be_flat(ts: int) -> bool:
    """From 15:10 to 17:00 Chicago time."""
    wall = datetime.fromtimestamp(ts // NANOS, UTC).astimezone(CHICAGO).time()
    return time(15, 10) <= wall < time(17, 0)
