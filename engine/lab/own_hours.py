"""A recording that has a part of the trading day alone, such as the cash session: in the rest of it nothing
can be traded (docs/semantics.md#hours-of-a-recording).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import time

from msgspec.structs import replace

from engine.lab.hours import HOUR, SessionHours
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_of
from engine.market.calendars.part_of_day import PartOfDay
from engine.model.instrument import Instrument
from engine.model.market import Bar

_LEAST_DAYS = 3
"""Whole ones: of fewer nothing is concluded."""


def as_recorded(instrument: Instrument, bars: Sequence[Bar]) -> Instrument:
    """The instrument as bars of it, oldest first, can be traded: where all of them stand in a part of the
    session that leaves out an hour or more, it is closed outside of that.
    """
    calendar = calendar_of(instrument.calendar)
    hours = own_hours(bars, calendar)
    if hours is None:
        return instrument
    return replace(instrument, calendar=PartOfDay(calendar, *hours).name)


def own_hours(bars: Sequence[Bar], calendar: Calendar) -> tuple[time, time] | None:
    """From when to when on the calendar's wall; None where a recording has no hours of its own, and in a
    market that never closes.
    """
    if not bars or calendar.flat_by(calendar.trade_date(bars[0].open_ts)) is None:
        return None
    times = [bar.open_ts for bar in bars]
    days = list(_days(times, calendar))
    if len(days) < _LEAST_DAYS + 2 or sum(day.end - day.first for day in days) < len(times):
        return None  # the first and the last one may be cut
    length = bars[0].timeframe.nanos
    whole = days[1]
    lead = min(times[day.first] - day.open for day in days)
    tail = min(max(0, day.close - times[day.end - 1] - length) for day in days)
    if lead + tail < HOUR:
        return None
    ends = whole.open + lead, whole.close - tail
    opens, closes = (time.fromisoformat(calendar.hhmm(ts)) for ts in ends)
    return opens, closes


def _days(times: Sequence[int], calendar: Calendar) -> Iterator[SessionHours]:
    """Regular sessions in which there are bars: some trade on where a calendar closes early."""
    place = 0
    while place < len(times):
        day = calendar.trade_date(times[place])
        opens, closes = calendar.session_bounds(day)
        rolls = bisect_left(times, calendar.day_bounds(day)[1], place)
        first, end = bisect_left(times, opens, place, rolls), bisect_left(times, closes, place, rolls)
        if end > first:
            yield SessionHours(opens, closes, first, end)
        place = rolls
