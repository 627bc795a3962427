"""Extremes of the trade date and of the week before (docs/signals.md#previous-day-and-week)."""

from __future__ import annotations

from datetime import date, timedelta

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.model.market import Bar


class Previous:
    """High and low of the trade date or the week before; known with the first bar of the next one."""

    __slots__ = (
        "_calendar",
        "_high",
        "_low",
        "_until",
        "_week",
        "_whole",
        "began",
        "high",
        "known_at",
        "low",
        "stamp",
    )

    def __init__(self, calendar: Calendar = CME, *, week: bool = False) -> None:
        self._calendar = calendar
        self._week = week
        self.high: int | None = None
        """Ticks; None until a whole one has been seen."""
        self.low: int | None = None
        self.stamp = 0
        """Open time of the first bar after it, nanoseconds UTC."""
        self.known_at = 0
        """Close time of that bar."""
        self.began: date | None = None
        """The trade date that the newest bar belongs to, or the Monday of its week."""
        self._until = 0
        self._whole = False
        self._high = self._low = 0

    def add(self, bar: Bar) -> bool:
        """Take a closed bar; gives whether `high` and `low` became known with it."""
        if bar.open_ts >= self._until:
            began = self.day_of(bar.open_ts)
            self._until = self._calendar.next_roll(bar.open_ts)
            if began != self.began:
                return self._roll(began, bar)
        if bar.high > self._high:
            self._high = bar.high
        if bar.low < self._low:
            self._low = bar.low
        return False

    def day_of(self, ts: int) -> date:
        """The trade date of an instant (ns UTC), or the Monday of its week."""
        day = self._calendar.trade_date(ts)
        return day - timedelta(days=day.weekday()) if self._week else day

    def _roll(self, began: date, bar: Bar) -> bool:
        known = self._whole
        if known:
            self.high, self.low = self._high, self._low
            self.stamp, self.known_at = bar.open_ts, bar.close_ts
        self._whole = self.began is not None  # that in which the series begins is only partly seen
        self.began = began
        self._high, self._low = bar.high, bar.low
        return known
