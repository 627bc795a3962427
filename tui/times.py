"""Clock times of the exchange (Chicago) for nanoseconds UTC."""

from __future__ import annotations

from datetime import datetime
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
