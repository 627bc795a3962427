"""A replay's time, as people name it."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.model.market import NANOS
from engine.model.playing import PlayingView
from tui.clock_times import clock

_TYPED = re.compile(r"(?:(\d{4}-\d{2}-\d{2})[ T])?(\d{1,2}):(\d{2})(?::(\d{2}))?")


def sought(text: str, now: int, zone: str, playing: PlayingView) -> int | str:
    """What was typed, "10:30" or "2026-03-04 10:30:15" on the clock of a zone, in nanoseconds UTC; or what is
    wrong with it. Without a date it is the one that the recording has, the nearest to `now` of several.
    """
    found = _TYPED.fullmatch(text.strip())
    if found is None:
        return "write a time such as 10:30, 10:30:15 or 2026-03-04 10:30"
    day, *clock_parts = found.groups()
    try:
        hour, minute, second = (int(part or 0) for part in clock_parts)
        wanted = time(hour, minute, second)
        days = [date.fromisoformat(day)] if day else _days(playing, zone)
    except ValueError:
        return f"{text.strip()} is no time"
    times = [int(datetime.combine(one, wanted, ZoneInfo(zone)).timestamp()) * NANOS for one in days]
    inside = [ts for ts in times if playing.first_ts <= ts <= playing.last_ts]
    if not inside:
        first, last = (_when(ts, zone) for ts in (playing.first_ts, playing.last_ts))
        return f"the recording goes from {first} to {last}"
    return min(inside, key=lambda ts: abs(ts - now))


def _days(playing: PlayingView, zone: str) -> list[date]:
    first, last = (_moment(ts, zone).date() for ts in (playing.first_ts, playing.last_ts))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _moment(ts: int, zone: str) -> datetime:
    return datetime.fromtimestamp(ts // NANOS, ZoneInfo(zone))


def _when(ts: int, zone: str) -> str:
    return f"{_moment(ts, zone):%Y-%m-%d} {clock(ts, zone)}"
