"""Extremes of the trade date and of the week before (docs/signals.md#previous-day-and-week)."""

from __future__ import annotations

from datetime import date, timedelta

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.model.market import Bar


class Extremes:
    """High and low of what was before; known with the first bar after it."""

    __slots__ = ("_high", "_low", "_whole", "began", "high", "known_at", "low", "stamp")

    def __init__(self) -> None:
        self.high: int | None = None
        """Ticks; None until a whole one has been seen."""
        self.low: int | None = None
        self.stamp = 0
        """Open time of the first bar after it, nanoseconds UTC."""
        self.known_at = 0
        """Close time of that bar."""
        self.began: date | None = None
        """The trade date of the newest bar, or the Monday of its week."""
        self._whole = False
        self._high = self._low = 0

    def take(self, low: int, high: int) -> None:
        """More of what runs now, ticks."""
        if high > self._high:
            self._high = high
        if low < self._low:
            self._low = low

    def roll(self, began: date, bar: Bar) -> None:
        """Another day or week begins with a bar."""
        if self._whole:
            self.high, self.low = self._high, self._low
            self.stamp, self.known_at = bar.open_ts, bar.close_ts
        self._whole = self.began is not None  # that in which the series begins is only partly seen
        self.began = began
        self._high, self._low = bar.high, bar.low


class Previous(Extremes):
    """Those of the trade date before, and of the week of trade dates before, from Monday on."""

    __slots__ = ("_calendar", "_until", "week")

    def __init__(self, calendar: Calendar = CME) -> None:
        super().__init__()
        self._calendar = calendar
        self._until = 0
        self.week = Extremes()

    def add(self, bar: Bar) -> bool:
        """Take a closed bar; gives whether another trade date began with it."""
        if bar.open_ts >= self._until:
            day = self._calendar.trade_date(bar.open_ts)
            self._until = self._calendar.next_roll(bar.open_ts)
            if day != self.began:
                if self.began is not None:
                    self.week.take(self._low, self._high)
                monday = day - timedelta(days=day.weekday())
                if monday != self.week.began:
                    self.week.roll(monday, bar)
                self.roll(day, bar)
                return True
        if bar.high > self._high:
            self._high = bar.high
        if bar.low < self._low:
            self._low = bar.low
        return False
