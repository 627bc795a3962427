"""Which hours a recording covers, by the calendar of its instrument, and what is missing in them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.model.market import MINUTE

HOUR = 60 * MINUTE
_USUAL = 0.6
"""A recording keeps to hours of its own where so many of its days begin, or end, at one time."""


class SessionHours(Struct, frozen=True, gc=False):
    """One session of the calendar: [open, close), nanoseconds UTC, and where the bars of it stand."""

    open: int
    close: int
    first: int
    """Index of the first bar that opens in it."""
    end: int
    """Index behind the last one."""


class RecordedHours(Struct, frozen=True):
    """The part of each session that a recording covers."""

    lead: int = 0
    """Nanoseconds from the session's open to its first bar."""
    tail: int = 0
    """Nanoseconds from the end of its last bar to the session's close."""

    def of(self, session: SessionHours) -> tuple[int, int]:
        """[from, to) that bars are expected in; empty where the session is too short for it."""
        start = session.open + self.lead
        return start, max(start, session.close - self.tail)


def sessions(times: Sequence[int], calendar: Calendar) -> list[SessionHours]:
    """The sessions from the first bar's to the last one's; `times` are opens of bars, rising."""
    found = []
    day, last = calendar.trade_date(times[0]), calendar.trade_date(times[-1])
    while day <= last:
        opens, closes = calendar.session_bounds(day)[0], calendar.session_close(day)
        if closes > opens:
            found.append(SessionHours(opens, closes, bisect_left(times, opens), bisect_left(times, closes)))
        day += timedelta(days=1)
    return found


def hours_of(days: Sequence[SessionHours], times: Sequence[int], length: int) -> RecordedHours:
    """Those that most sessions have; the first and the last one, which may be cut, have no say. `length` is
    that of a bar, nanoseconds.
    """
    whole = [day for day in days[1:-1] if day.end > day.first]
    if len(whole) < 3:
        return RecordedHours()
    lead = _usual([times[day.first] - day.open for day in whole])
    tail = _usual([day.close - times[day.end - 1] - length for day in whole])
    # What is missing at one end and stands beyond the other is not left out: it is an hour off.
    beyond = sum(day.end < len(times) and times[day.end] < day.close + HOUR for day in whole)
    ahead = sum(day.first > 0 and times[day.first - 1] >= day.open - HOUR for day in whole)
    most = _USUAL * len(whole)
    return RecordedHours(max(0, lead - HOUR * (beyond >= most)), max(0, tail - HOUR * (ahead >= most)))


def _usual(spans: Sequence[int]) -> int:
    (span, count), *_ = Counter(spans).most_common(1)
    return max(0, span) if count >= _USUAL * len(spans) else 0


def holes(
    days: Sequence[SessionHours], hours: RecordedHours, times: Sequence[int], length: int
) -> list[tuple[int, int]]:
    """[from, to) of what is missing in sessions, between the first bar and the last one."""
    found = []
    begins, ends = times[0], times[-1] + length
    for day in days:
        start, stop = hours.of(day)
        start, stop = max(start, begins), min(stop, ends)
        now = start
        for place in range(bisect_left(times, start, day.first, day.end), day.end):
            ts = times[place]
            if ts >= stop:
                break
            if ts > now:
                found.append((now, ts))
            now = ts + length
        if now < stop:
            found.append((now, stop))
    return _joined(found)


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """A hole over the end of a session that never ends is one."""
    joined: list[tuple[int, int]] = []
    for start, stop in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = joined[-1][0], stop
        else:
            joined.append((start, stop))
    return joined


def expected(days: Sequence[SessionHours], hours: RecordedHours, times: Sequence[int], length: int) -> int:
    """Bars that a recording without a hole would have from the first to the last one."""
    begins, ends = times[0], times[-1] + length
    spans = (hours.of(day) for day in days)
    return sum(max(0, min(stop, ends) - max(start, begins)) // length for start, stop in spans)


def shifted_weeks(
    days: Sequence[SessionHours], hours: RecordedHours, times: Sequence[int], length: int
) -> list[tuple[int, int, int]]:
    """(First session's open, last one's close, nanoseconds) of runs of weeks whose bars would fit the hours
    better if they stood an hour earlier (negative: they come late now) or later.
    """
    runs: list[tuple[int, int, int]] = []
    for week in _weeks(days):
        shift = _best_shift(week, hours, times, length)
        if runs and runs[-1][2] == shift:
            runs[-1] = (runs[-1][0], week[-1].close, shift)
        else:
            runs.append((week[0].open, week[-1].close, shift))
    return [run for run in runs if run[2]]


def _weeks(days: Sequence[SessionHours]) -> list[list[SessionHours]]:
    """Sessions with bars, by weeks: a break of more than a day begins another."""
    weeks: list[list[SessionHours]] = []
    for day in days:
        if day.end == day.first:
            continue
        if weeks and day.open - weeks[-1][-1].close < 24 * HOUR:
            weeks[-1].append(day)
        else:
            weeks.append([day])
    return weeks


def _best_shift(week: Sequence[SessionHours], hours: RecordedHours, times: Sequence[int], length: int) -> int:
    def fits(shift: int) -> int:
        """Bars that would stand inside the hours if all were moved by so much."""
        spans = [hours.of(day) for day in week]
        return sum(
            bisect_left(times, stop - shift) - bisect_left(times, start - shift) for start, stop in spans
        )

    now = fits(0)
    shift = max((HOUR, -HOUR), key=fits)
    gained = fits(shift) - now
    return shift if gained * length > len(week) * HOUR // 2 else 0
