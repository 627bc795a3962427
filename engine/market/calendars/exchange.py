"""Calendars of exchanges: one session a trade date, holidays as data
(docs/semantics.md#sessions-and-trade-dates).

Every public function takes nanoseconds UTC and answers from caches: the zone itself is asked once an hour of
market time.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.market.calendars.holidays import Holidays
from engine.model.market import MINUTE, NANOS
from engine.model.view import SessionPhase

_HOUR = 60 * MINUTE
_DAY_SECONDS = 86_400
_FLAT_LEAD = 10 * MINUTE
"""How long before an early close positions must be flat; on regular days the calendar's own time rules."""
_LONGEST_BREAK = 10
"""Days after which an exchange that has not opened has no next opening."""


class Hours(Struct, frozen=True):
    """A regular day, in the exchange's wall time."""

    rolls: time
    """When the trade date begins, a full hour."""
    evening_before: bool
    """It begins on the evening before its date."""
    opens: time | None
    """When trading begins; None: with the trade date."""
    closes: time
    regular_opens: time
    regular_closes: time
    flat_by: time


class _TradingDay(Struct, frozen=True):
    date: date
    start_ts: int
    open_ts: int
    regular_close_ts: int
    close_ts: int
    """Equal to `open_ts` when the market does not open for this date."""
    rth_open_ts: int
    rth_close_ts: int
    flat_by_ts: int
    end_ts: int


class ExchangeCalendar:
    """One exchange. Its zone has to be whole hours from UTC, and to change its clock outside the session."""

    def __init__(
        self, name: str, zone: str, clock_name: str, clock_mark: str, hours: Hours, holidays: Holidays
    ) -> None:
        self.name = name
        self.zone = zone
        self.clock_name, self.clock_mark = clock_name, clock_mark
        self.regular_opens = f"{hours.regular_opens:%H:%M}"
        self.holidays = holidays
        self.known_until: date | None = holidays.known_until
        self._hours = hours
        self._zone = ZoneInfo(zone)
        self._ahead = timedelta(hours=24 - hours.rolls.hour) if hours.evening_before else timedelta()
        self._day = lru_cache(maxsize=1024)(self._made)
        self._day_of_hour = lru_cache(maxsize=4096)(self._found)
        self._offset_of_hour = lru_cache(maxsize=4096)(self._offset)

    def _made(self, day: date) -> _TradingDay:
        hours, holidays = self._hours, self.holidays
        start_ts = self._start(day)
        open_ts = start_ts if hours.opens is None else self._instant(day, hours.opens)
        regular_close_ts = self._instant(day, hours.closes)
        if day in holidays.closed or day.weekday() >= 5:
            close_ts = open_ts
        else:
            close_ts = self._instant(day, holidays.early.get(day, hours.closes))
        early = close_ts < regular_close_ts
        flat_by_ts = max(open_ts, close_ts - _FLAT_LEAD) if early else self._instant(day, hours.flat_by)
        return _TradingDay(
            date=day,
            start_ts=start_ts,
            open_ts=open_ts,
            regular_close_ts=regular_close_ts,
            close_ts=close_ts,
            rth_open_ts=self._instant(day, hours.regular_opens),
            rth_close_ts=min(self._instant(day, hours.regular_closes), close_ts),
            flat_by_ts=flat_by_ts,
            end_ts=self._start(day + timedelta(days=1)),
        )

    def _start(self, day: date) -> int:
        return self._instant(day - timedelta(days=self._hours.evening_before), self._hours.rolls)

    def _instant(self, day: date, wall: time) -> int:
        return int(datetime.combine(day, wall, self._zone).timestamp()) * NANOS

    def _found(self, hour: int) -> _TradingDay:
        wall = datetime.fromtimestamp(hour * 3600, self._zone).replace(tzinfo=None)
        return self._day((wall + self._ahead).date())

    def _offset(self, hour: int) -> int:
        """Seconds that the wall is ahead of UTC."""
        offset = datetime.fromtimestamp(hour * 3600, self._zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    # --- days ----------------------------------------------------------------------------------------------

    def trade_date(self, ts: int) -> date:
        """The trade date of an instant; for a Saturday or Sunday the market never opens."""
        return self._day_of_hour(ts // _HOUR).date

    def day_bounds(self, day: date) -> tuple[int, int]:
        """[start, end) of a trade date: from roll to roll."""
        found = self._day(day)
        return found.start_ts, found.end_ts

    def session_bounds(self, day: date) -> tuple[int, int]:
        """[open, close) of a trade date as on a regular day, holidays or not."""
        found = self._day(day)
        return found.open_ts, found.regular_close_ts

    def session_close(self, day: date) -> int:
        """When trading of that date really ends: earlier before holidays.

        Equals the session's open when the market does not open at all.
        """
        return self._day(day).close_ts

    def flat_by(self, day: date) -> int:
        """When positions must be flat; ten minutes before the end on days that close early."""
        return self._day(day).flat_by_ts

    def known(self, day: date) -> bool:
        """Whether holidays of that year are known. If not, a regular week is assumed."""
        return day.year in self.holidays.years

    # --- instants ------------------------------------------------------------------------------------------

    def phase(self, ts: int) -> SessionPhase:
        """Regular hours, the hours around them, or closed."""
        day = self._day_of_hour(ts // _HOUR)
        if not day.open_ts <= ts < day.close_ts:
            return SessionPhase.CLOSED
        if day.rth_open_ts <= ts < day.rth_close_ts:
            return SessionPhase.RTH
        return SessionPhase.ETH

    def is_open(self, ts: int) -> bool:
        day = self._day_of_hour(ts // _HOUR)
        return day.open_ts <= ts < day.close_ts

    def next_phase_change(self, ts: int) -> int:
        """The next instant, strictly after `ts`, at which the phase may differ."""
        day = self._day_of_hour(ts // _HOUR)
        bounds = (day.open_ts, day.rth_open_ts, day.rth_close_ts, day.close_ts)
        return min((bound for bound in bounds if bound > ts), default=day.end_ts)

    def next_roll(self, ts: int) -> int:
        """The next instant, strictly after `ts`, at which the trade date changes."""
        return self._day_of_hour(ts // _HOUR).end_ts

    def next_opening(self, ts: int) -> int | None:
        """When a session begins next, strictly after `ts`; None where none does within ten days."""
        day = self._day_of_hour(ts // _HOUR)
        for _ in range(_LONGEST_BREAK):
            if ts < day.open_ts < day.close_ts:
                return day.open_ts
            day = self._day(day.date + timedelta(days=1))
        return None

    def trading_began(self, ts: int) -> int:
        """When trading of the trade date of `ts` opens, which may be later than `ts`."""
        return self._day_of_hour(ts // _HOUR).open_ts

    # --- its clock -----------------------------------------------------------------------------------------

    def clock(self, ts: int) -> str:
        """HH:MM:SS on the exchange's wall."""
        seconds = (ts // NANOS + self._offset_of_hour(ts // _HOUR)) % _DAY_SECONDS
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def hhmm(self, ts: int) -> str:
        """HH:MM on the exchange's wall."""
        return self.clock(ts)[:5]
