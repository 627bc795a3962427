"""Clock times of the exchange (Chicago) for nanoseconds UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.model.market import MINUTE, NANOS


@lru_cache(maxsize=1)
def _zone() -> ZoneInfo:
    return ZoneInfo("America/Chicago")


@lru_cache(maxsize=2048)
def _minute(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, _zone()).strftime("%H:%M")


def hour_minute(ts: int) -> str:
    """HH:MM in Chicago of a time in nanoseconds UTC."""
    return _minute(ts // MINUTE)


def clock(ts: int) -> str:
    """HH:MM:SS in Chicago of a time in nanoseconds UTC."""
    return f"{_minute(ts // MINUTE)}:{ts // NANOS % 60:02d}"


CASH_OPEN = "08:30"
"""When the cash session begins, in Chicago."""


def trade_day(ts: int) -> str:
    """The trade date of a time, which begins at 17:00 Chicago time of the evening before: "14 Oct"."""
    return _trade_day(ts // (60 * MINUTE))


@lru_cache(maxsize=4096)
def _trade_day(hour: int) -> str:
    moment = datetime.fromtimestamp(hour * 3600, _zone())
    return f"{moment + timedelta(hours=7):%d %b}"


@lru_cache(maxsize=256)
def _day(minute: int) -> tuple[str, str]:
    moment = datetime.fromtimestamp(minute * 60, _zone())
    return moment.strftime("%a"), moment.date().isoformat()


def when(ts: int, now: int) -> str:
    """HH:MM in Chicago, with the weekday where it is not today's: "17:00", "Sun 17:00"."""
    day, date = _day(ts // MINUTE)
    return hour_minute(ts) if date == _day(now // MINUTE)[1] else f"{day} {hour_minute(ts)}"
