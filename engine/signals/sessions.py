"""What the running session has made so far, by the instrument's calendar (docs/indicators.md#sessions).

Fed closed bars of at most an hour that end within a session. Prices in ticks, times nanoseconds UTC.
"""

from __future__ import annotations

from collections import deque
from datetime import date

from engine.market.calendars.calendar import Calendar
from engine.model.market import Bar
from engine.model.view import SessionPhase
from engine.signals.indicators.vwap import Vwap


class SessionSeen:
    """The trade date of the newest bar, and whether all of it has been seen. Told of each bar first."""

    __slots__ = ("_until", "calendar", "date", "opened", "whole")

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.date: date | None = None
        self.opened = 0
        """When its trading begins by the calendar."""
        self.whole = False
        """It has been seen from its beginning: the bars before it are known, or its first one."""
        self._until = 0

    def rolled(self, bar: Bar) -> bool:
        """Whether a bar is the first of its trade date."""
        if bar.open_ts < self._until:
            return False
        began = self.calendar.trade_date(bar.open_ts)
        self._until = self.calendar.next_roll(bar.open_ts)
        if began == self.date:
            return False
        self.opened = self.calendar.trading_began(bar.open_ts)
        self.whole = self.date is not None or bar.open_ts == self.opened
        self.date = began
        return True


class SessionRange:
    """First price, highest and lowest of some bars; None before there is one."""

    __slots__ = ("high", "high_bar", "low", "low_bar", "open")

    def __init__(self) -> None:
        self.open: int | None = None
        self.high: int | None = None
        self.low: int | None = None
        self.high_bar: Bar | None = None
        """The first that reached it."""
        self.low_bar: Bar | None = None

    def add(self, bar: Bar) -> None:
        """Take a closed bar."""
        if self.open is None:
            self.open = bar.open
        if self.high is None or bar.high > self.high:
            self.high, self.high_bar = bar.high, bar
        if self.low is None or bar.low < self.low:
            self.low, self.low_bar = bar.low, bar


class SessionLevels:
    """Open, high and low of the session so far, of the night in it and of its regular hours.

    The night is what trades before regular hours begin; a calendar without regular hours has neither. Of a
    session that was not seen from its beginning the session and the night say nothing.
    """

    __slots__ = ("_close", "_day", "_night", "_regular", "_session", "close_before", "night_ended")

    def __init__(self, calendar: Calendar) -> None:
        self._session = SessionSeen(calendar)
        self._day, self._night, self._regular = SessionRange(), SessionRange(), SessionRange()
        self.night_ended = 0
        """When the first bar of regular hours opened: the night's levels don't change any more; 0 before."""
        self.close_before: int | None = None
        """Last close of the session before; None where that was not seen."""
        self._close: int | None = None

    @property
    def day(self) -> SessionRange | None:
        return self._day if self._session.whole else None

    @property
    def night(self) -> SessionRange | None:
        return self._night if self._session.whole and self._night.open is not None else None

    @property
    def regular(self) -> SessionRange | None:
        """Regular hours; None until one of their bars has been seen."""
        return self._regular if self._regular.open is not None else None

    @property
    def opened(self) -> int:
        """When the session's trading began by the calendar."""
        return self._session.opened

    def add(self, bar: Bar) -> None:
        """Take a closed bar."""
        if self._session.rolled(bar):
            self._day, self._night, self._regular = SessionRange(), SessionRange(), SessionRange()
            self.night_ended, self.close_before = 0, self._close
        self._close = bar.close
        self._day.add(bar)
        phase = self._session.calendar.phase(bar.open_ts)
        if phase is SessionPhase.RTH:
            self.night_ended = self.night_ended or bar.open_ts
            self._regular.add(bar)
        elif phase is SessionPhase.ETH and not self.night_ended:
            self._night.add(bar)


class SessionVwap:
    """VWAP anchored at the open of the session; None where that was not seen from its beginning."""

    __slots__ = ("_session", "_vwap", "bar")

    def __init__(self, calendar: Calendar) -> None:
        self._session = SessionSeen(calendar)
        self._vwap = Vwap()
        self.bar: Bar | None = None
        """The newest in it."""

    def add(self, bar: Bar) -> None:
        """Take a closed bar."""
        self.bar = bar
        if self._session.rolled(bar):
            self._vwap.anchor()
        self._vwap.add(bar)

    @property
    def value(self) -> float | None:
        return self._vwap.value if self._session.whole else None

    @property
    def deviation(self) -> float | None:
        """Of price around it, ticks."""
        return self._vwap.deviation if self._session.whole else None

    def band(self, deviations: float) -> float | None:
        """So many deviations from it, ticks; below it where negative."""
        return self._vwap.band(deviations) if self._session.whole else None


class VolumeByTime:
    """Volume of the newest bar over the mean of the same time of day in the sessions before.

    Against the bars just before it an opening is always loud and a lunch always quiet; against other days it
    is told from them. It takes `least` sessions until it says something, and holds `sessions` of them.
    """

    __slots__ = ("_least", "_session", "_sessions", "_volumes", "value")

    def __init__(self, calendar: Calendar, sessions: int = 10, least: int = 3) -> None:
        if not 1 <= least <= sessions:
            raise ValueError(f"least must be from 1 to the sessions, not {least} of {sessions}")
        self._session = SessionSeen(calendar)
        self._sessions, self._least = sessions, least
        self._volumes: dict[int, deque[int]] = {}
        """By nanoseconds from the session's open, the newest last."""
        self.value: float | None = None

    def add(self, bar: Bar) -> float | None:
        """Take a closed bar of one timeframe; gives its ratio."""
        self._session.rolled(bar)
        time = bar.open_ts - self._session.opened
        before = self._volumes.setdefault(time, deque(maxlen=self._sessions))
        total = sum(before)
        enough = len(before) >= self._least and total > 0
        self.value = bar.volume * len(before) / total if enough else None
        before.append(bar.volume)
        return self.value
