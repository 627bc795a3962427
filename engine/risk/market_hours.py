"""When entries are wanted and when positions must be flat: by the calendar of each contract, and by the
trader's own hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from engine.market.calendars.calendar import Calendar
from engine.market.user_hours import UserHours
from engine.model.limits import RiskLimits

NO_DEADLINE = 1 << 62
"""Nanoseconds to a deadline that never comes."""


class MarketHours:
    """Of one book. Times are the wall's, nanoseconds UTC."""

    def __init__(self, limits: RiskLimits) -> None:
        self._limits = limits
        self._own = (
            UserHours(limits.hours_start, limits.hours_end, limits.hours_zone)
            if limits.hours_start and limits.hours_end
            else None
        )

    def allow(self, now: int, calendar: Calendar) -> bool:
        """Market open, and within the trader's own hours if any are set."""
        return calendar.is_open(now) and (self._own is None or self._own.open_at(now))

    def ns_to_flat(self, now: int, calendar: Calendar) -> int:
        """Time until positions in a market must be flat; until its close where they need not be; NO_DEADLINE
        where neither ever comes. Negative after it.
        """
        day = calendar.trade_date(now)
        flat = calendar.flat_by(day)
        if flat is None:
            return NO_DEADLINE
        return (flat if self._limits.must_be_flat else calendar.session_close(day)) - now

    def must_close(self, now: int, calendar: Calendar) -> bool:
        """The flat time is near or over, and the market still takes what closes."""
        limits = self._limits
        near = self.ns_to_flat(now, calendar) <= limits.flatten_before_flat_ns
        return limits.must_be_flat and near and calendar.is_open(now)

    def must_leave(self, now: int, calendar: Calendar, last: date) -> bool:
        """The same of a contract month on whose `last` day nobody should be in it: the last session before
        it is nearly over, or that day has come.
        """
        if not calendar.is_open(now):
            return False
        opens = calendar.next_opening(now)
        final = opens is not None and calendar.trade_date(opens) >= last
        near = self.ns_to_flat(now, calendar) <= self._limits.flatten_before_flat_ns
        return (final and near) or calendar.trade_date(now) >= last

    def next_change(self, now: int, calendars: Iterable[Calendar]) -> int:
        """The next instant at which anything of this may differ, or a trade date begins."""
        return min(self._next_change(now, calendar) for calendar in calendars)

    def _next_change(self, now: int, calendar: Calendar) -> int:
        change = min(calendar.next_roll(now), calendar.next_phase_change(now))
        flat = now + self.ns_to_flat(now, calendar) - self._limits.flatten_before_flat_ns
        return min(change, flat) if now < flat else change
