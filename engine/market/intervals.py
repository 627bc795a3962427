"""From when to when a bar is: the grids of all timeframes (docs/semantics.md#timeframes)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.model.market import USUAL, Timeframe

Interval = tuple[int, int]
"""[start, end), nanoseconds UTC."""


def interval_at(ts: int, timeframe: Timeframe, calendar: Calendar = CME) -> Interval | None:
    """The interval that an instant falls into; None for a timeframe of sessions while there is none.

    Up to an hour they stand on UTC's grid; longer ones are counted from the open of the session, whose end,
    an early one too, ends the last of them.
    """
    nanos = timeframe.nanos
    if not timeframe.by_calendar:
        start = ts - ts % nanos
        return start, start + nanos
    day = calendar.trade_date(ts)
    opened, closes = calendar.session_bounds(day)[0], calendar.session_close(day)
    if not opened <= ts < closes:
        return None
    start = ts - (ts - opened) % nanos
    return start, min(start + nanos, closes)


class Grid:
    """The intervals of one timeframe and calendar, the last one remembered: most questions are about it."""

    __slots__ = ("_calendar", "_found", "timeframe")

    def __init__(self, timeframe: Timeframe, calendar: Calendar) -> None:
        self.timeframe = timeframe
        self._calendar = calendar
        self._found: Interval = (0, 0)

    def at(self, ts: int) -> Interval | None:
        """The interval that an instant falls into; None outside sessions."""
        if self._found[0] <= ts < self._found[1]:
            return self._found
        found = interval_at(ts, self.timeframe, self._calendar)
        if found is not None:
            self._found = found
        return found


class Folded:
    """The timeframes that somebody needs, minutes aside: these are closed, announced and kept."""

    def __init__(self, timeframes: Iterable[Timeframe] = USUAL) -> None:
        wanted = frozenset(timeframes)
        self.longer = tuple(one for one in Timeframe if one in wanted and one is not Timeframe.M1)
        """In the order in which they are delivered."""
        self.even = tuple((one, one.nanos) for one in self.longer if not one.by_calendar)
        """Those on UTC's grid, each with its length."""
        self.nested = all(b[1] % a[1] == 0 for a, b in pairwise(self.even))
        """Where a shorter one of `even` goes on, no longer one ends."""
        self.by_calendar = tuple(one for one in self.longer if one.by_calendar)
        self.longest = max((one.nanos for one in self.longer), default=Timeframe.M1.nanos)
