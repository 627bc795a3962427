"""A market in a part of its hours alone, as a recording of the cash session knows it
(docs/semantics.md#hours-of-a-recording).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engine.market.calendars.calendar import Calendar
from engine.model.market import NANOS
from engine.model.view import SessionPhase

_LONGEST_BREAK = 10
"""Days after which what has not opened has no next opening."""


class _Part(NamedTuple):
    opens: int
    close: int
    """Equal to `opens` on a day on which it stays closed."""
    flat_by: int | None


class PartOfDay:
    """The calendar of a market, closed outside some hours of its session. Its trade dates are the market's,
    and so are the sessions that bars are folded by.
    """

    def __init__(self, whole: Calendar, opens: time, closes: time) -> None:
        """From and until when on each trade date, on the market's wall; from the evening before where `opens`
        is the later one.
        """
        self.hours = f"{opens:%H:%M}-{closes:%H:%M}"
        self.name = f"{whole.name} {self.hours}"
        self.zone, self.clock_name, self.clock_mark = whole.zone, whole.clock_name, whole.clock_mark
        self.regular_opens = whole.regular_opens
        self.known_until: date | None = whole.known_until
        self.whole = whole
        self._opens, self._closes = opens, closes
        self._zone = ZoneInfo(whole.zone)
        self._part = lru_cache(maxsize=1024)(self._made)
        self.trade_date, self.day_bounds, self.next_roll = whole.trade_date, whole.day_bounds, whole.next_roll
        self.session_bounds, self.known = whole.session_bounds, whole.known
        self.clock, self.hhmm = whole.clock, whole.hhmm
        self.trading_began = whole.trading_began

    def _made(self, day: date) -> _Part:
        whole = self.whole
        opens = self._instant(day - timedelta(days=self._opens > self._closes), self._opens)
        close = max(opens, min(whole.session_close(day), self._instant(day, self._closes)))
        flat_by = whole.flat_by(day)
        return _Part(opens, close, None if flat_by is None else max(opens, min(flat_by, close)))

    def _instant(self, day: date, wall: time) -> int:
        return int(datetime.combine(day, wall, self._zone).timestamp()) * NANOS

    def session_close(self, day: date) -> int:
        """When it ends; its session's open where it does not open at all."""
        part = self._part(day)
        return part.close if part.close > part.opens else self.whole.session_bounds(day)[0]

    def flat_by(self, day: date) -> int | None:
        """When positions must be flat, at its end at the latest; None where the market has no such time."""
        return self._part(day).flat_by

    def phase(self, ts: int) -> SessionPhase:
        return self.whole.phase(ts) if self.is_open(ts) else SessionPhase.CLOSED

    def is_open(self, ts: int) -> bool:
        part = self._part(self.trade_date(ts))
        return part.opens <= ts < part.close

    def next_phase_change(self, ts: int) -> int:
        """The next instant, strictly after `ts`, at which the phase may differ."""
        part = self._part(self.trade_date(ts))
        bounds = (self.whole.next_phase_change(ts), part.opens, part.close)
        return min(bound for bound in bounds if bound > ts)

    def next_opening(self, ts: int) -> int | None:
        """When its hours begin next, strictly after `ts`; None where they don't within ten days."""
        day = self.trade_date(ts)
        for ahead in range(_LONGEST_BREAK):
            part = self._part(day + timedelta(days=ahead))
            if ts < part.opens < part.close:
                return part.opens
        return None
