"""A replay's time: as people name it, and what they ask of it."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.model.market import NANOS
from engine.model.playing import HoldPlay, PlayingView, PlayWish, SeekPlay
from tui.base_app import CockpitApp
from tui.clock_times import clock

if TYPE_CHECKING:
    from tui.widgets.typed_line import TypedLine

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


def ask(cockpit: CockpitApp, wish: PlayWish) -> None:
    """Of whoever plays; nothing where nobody does."""
    if cockpit.replay is not None:
        cockpit.replay.control(wish)


def hold(cockpit: CockpitApp) -> None:
    """Stand still, or go on."""
    playing = cockpit.presenter.view.playing
    ask(cockpit, HoldPlay(playing is not None and not playing.paused))


def time_line(cockpit: CockpitApp) -> TypedLine:
    """Where a time is typed, to go to."""
    from tui.widgets.typed_line import TypedLine

    def typed(text: str) -> str:
        view = cockpit.presenter.view
        if view.playing is None:
            return "this is no replay"
        found = sought(text, view.ts, view.told_in, view.playing)
        if isinstance(found, str):
            return found
        ask(cockpit, SeekPlay(found))
        return ""

    return TypedLine("go to which time: 10:30, 10:30:15 or 2026-03-04 10:30 · ⏎ go · esc stay", typed)


def _days(playing: PlayingView, zone: str) -> list[date]:
    first, last = (_moment(ts, zone).date() for ts in (playing.first_ts, playing.last_ts))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _moment(ts: int, zone: str) -> datetime:
    return datetime.fromtimestamp(ts // NANOS, ZoneInfo(zone))


def _when(ts: int, zone: str) -> str:
    return f"{_moment(ts, zone):%Y-%m-%d} {clock(ts, zone)}"
