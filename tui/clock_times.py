"""Clock times for nanoseconds UTC: in one zone whatever is told (`View.told_in`), on their calendar's wall
what charts show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.model.market import MINUTE, NANOS
from engine.model.view import SessionView

Told = Callable[[int], str]
"""A time in nanoseconds UTC in words."""


@lru_cache(maxsize=1024)
def _minute(minute: int, zone: str) -> str:
    return datetime.fromtimestamp(minute * 60, ZoneInfo(zone)).strftime("%H:%M")


def hour_minute(ts: int, zone: str) -> str:
    """HH:MM of a time in nanoseconds UTC."""
    return _minute(ts // MINUTE, zone)


def clock(ts: int, zone: str) -> str:
    """HH:MM:SS of a time in nanoseconds UTC."""
    return f"{_minute(ts // MINUTE, zone)}:{ts // NANOS % 60:02d}"


def trade_day(ts: int, session: SessionView) -> str:
    """The trade date of a time by a calendar: "14 Oct"."""
    return _trade_day(ts // (60 * MINUTE), session.zone, int(session.rolls[:2]))


@lru_cache(maxsize=256)
def _trade_day(hour: int, zone: str, rolls: int) -> str:
    moment = datetime.fromtimestamp(hour * 3600, ZoneInfo(zone))
    return f"{moment + timedelta(hours=24 - rolls if rolls > 12 else -rolls):%d %b}"


@lru_cache(maxsize=256)
def _day(minute: int, zone: str) -> tuple[str, str]:
    moment = datetime.fromtimestamp(minute * 60, ZoneInfo(zone))
    return moment.strftime("%a"), moment.date().isoformat()


def when(ts: int, now: int, zone: str) -> str:
    """HH:MM, with the weekday where it is not today's: "17:00", "Sun 17:00"."""
    day, date = _day(ts // MINUTE, zone)
    return hour_minute(ts, zone) if date == _day(now // MINUTE, zone)[1] else f"{day} {hour_minute(ts, zone)}"
