"""Trade dates, sessions and trading hours: the only place that knows time zones
(docs/semantics.md#sessions-and-trade-dates).

A trading day of the Globex futures runs from 17:00 to 16:00 Chicago time, and both US clock changes fall
into the weekend break, so a session is always 23 hours long. Every public function takes nanoseconds UTC
and answers from caches: the zone itself is asked once an hour of market time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.market.holidays import CLOSED_DAYS, EARLY_CLOSES, KNOWN_YEARS
from engine.model.market import MINUTE, NANOS
from engine.model.view import SessionPhase

CHICAGO = ZoneInfo("America/Chicago")

_HOUR = 60 * MINUTE
_QUARTER = 15 * MINUTE
_DAY_SECONDS = 86_400

_OPEN = time(17, 0)
_CLOSE = time(16, 0)
_RTH_OPEN = time(8, 30)
_RTH_CLOSE = time(15, 0)
_FLAT_BY = time(15, 10)
_FLAT_LEAD = 10 * MINUTE
"""How long before an early close positions must be flat; on regular days the firm's 15:10 rules."""


@dataclass(frozen=True, slots=True)
class _TradingDay:
    date: date
    open_ts: int
    regular_close_ts: int
    close_ts: int
    """Equal to `open_ts` when the market does not open for this date."""
    rth_open_ts: int
    rth_close_ts: int
    flat_by_ts: int
    next_open_ts: int


def _instant(day: date, wall: time, zone: ZoneInfo = CHICAGO) -> int:
    return int(datetime.combine(day, wall, zone).timestamp()) * NANOS


def _utc_offset(ts: int, zone: ZoneInfo) -> int:
    """Seconds that the zone's wall clock is ahead of UTC at `ts`."""
    offset = datetime.fromtimestamp(ts // NANOS, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


@lru_cache(maxsize=1024)
def _trading_day(day: date) -> _TradingDay:
    open_ts = _instant(day - timedelta(days=1), _OPEN)
    regular_close_ts = _instant(day, _CLOSE)
    if day in CLOSED_DAYS or day.weekday() >= 5:
        close_ts = open_ts
    else:
        close_ts = _instant(day, EARLY_CLOSES.get(day, _CLOSE))
    early = close_ts < regular_close_ts
    flat_by_ts = max(open_ts, close_ts - _FLAT_LEAD) if early else _instant(day, _FLAT_BY)
    return _TradingDay(
        date=day,
        open_ts=open_ts,
        regular_close_ts=regular_close_ts,
        close_ts=close_ts,
        rth_open_ts=_instant(day, _RTH_OPEN),
        rth_close_ts=min(_instant(day, _RTH_CLOSE), close_ts),
        flat_by_ts=flat_by_ts,
        next_open_ts=_instant(day, _OPEN),
    )


@lru_cache(maxsize=4096)
def _trading_day_of_hour(hour: int) -> _TradingDay:
    """Chicago is whole hours from UTC, so 17:00 and with it the trade date change on the full UTC hour."""
    wall = datetime.fromtimestamp(hour * 3600, CHICAGO).replace(tzinfo=None)
    return _trading_day((wall + timedelta(hours=7)).date())


@lru_cache(maxsize=4096)
def _chicago_offset_of_hour(hour: int) -> int:
    return _utc_offset(hour * _HOUR, CHICAGO)


def trade_date(ts: int) -> date:
    """The trade date of an instant: Chicago wall time plus seven hours, its date.

    Between Friday 17:00 and Sunday 17:00 that is a Saturday or Sunday, for which the market never opens.
    """
    return _trading_day_of_hour(ts // _HOUR).date


def session_bounds(day: date) -> tuple[int, int]:
    """[17:00 Chicago of the evening before, 16:00) of a trade date: 23 hours on weekdays, holidays or not."""
    found = _trading_day(day)
    return found.open_ts, found.regular_close_ts


def session_close(day: date) -> int:
    """When trading of that date really ends: 16:00 Chicago, earlier before holidays.

    Equals the session's open when the market does not open at all.
    """
    return _trading_day(day).close_ts


def phase(ts: int) -> SessionPhase:
    """Regular hours (08:30 to 15:00 Chicago), electronic hours, or closed."""
    day = _trading_day_of_hour(ts // _HOUR)
    if not day.open_ts <= ts < day.close_ts:
        return SessionPhase.CLOSED
    if day.rth_open_ts <= ts < day.rth_close_ts:
        return SessionPhase.RTH
    return SessionPhase.ETH


def next_phase_change(ts: int) -> int:
    """The next instant, strictly after `ts`, at which the phase may differ."""
    day = _trading_day_of_hour(ts // _HOUR)
    bounds = (day.open_ts, day.rth_open_ts, day.rth_close_ts, day.close_ts)
    return min((bound for bound in bounds if bound > ts), default=day.next_open_ts)


def trading_began(ts: int) -> int:
    """When trading of the trade date of `ts` opens: 17:00 Chicago of the evening before."""
    return _trading_day_of_hour(ts // _HOUR).open_ts


def flat_by(day: date) -> int:
    """When positions must be flat: 15:10 Chicago, ten minutes before the end on days that close early."""
    return _trading_day(day).flat_by_ts


def next_roll(ts: int) -> int:
    """The next 17:00 Chicago strictly after `ts`, where the trade date changes."""
    return _trading_day_of_hour(ts // _HOUR).next_open_ts


def calendar_known(day: date) -> bool:
    """Whether holidays of that year are known. If not, `phase` assumes a regular week."""
    return day.year in KNOWN_YEARS


def exchange_clock(ts: int) -> str:
    """HH:MM:SS on the wall in Chicago."""
    hour, minute, second = _wall(ts)
    return f"{hour:02d}:{minute:02d}:{second:02d}"


def exchange_hhmm(ts: int) -> str:
    """HH:MM on the wall in Chicago."""
    hour, minute, _ = _wall(ts)
    return f"{hour:02d}:{minute:02d}"


def _wall(ts: int) -> tuple[int, int, int]:
    seconds = (ts // NANOS + _chicago_offset_of_hour(ts // _HOUR)) % _DAY_SECONDS
    return seconds // 3600, seconds // 60 % 60, seconds % 60


class UserHours:
    """The window of the day, on the wall of the user's own zone, in which entries are wanted.

    `start` is in, `end` is out, both "HH:MM"; "24:00" may end the day, and an end before the start runs
    over midnight. It stands beside the exchange's deadlines: the stricter of them wins. Raises ValueError
    for times or zones that don't exist and for an empty window.
    """

    __slots__ = ("_bucket", "_end", "_offset", "_start", "_zone", "end", "start", "zone")

    def __init__(self, start: str, end: str, zone: str) -> None:
        self.start, self.end, self.zone = start, end, zone
        self._start = _second_of_day(start)
        self._end = _second_of_day(end)
        if self._start == self._end or self._start == _DAY_SECONDS:
            raise ValueError(f"trading hours {start} to {end} are empty")
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, OSError, ValueError) as error:
            raise ValueError(f"no time zone is called {zone!r}") from error
        self._bucket = -1
        self._offset = 0

    def open_at(self, ts: int) -> bool:
        """Whether the wall clock stands inside the window."""
        bucket = ts // _QUARTER  # every zone changes its clock on a quarter of a UTC hour
        if bucket != self._bucket:
            self._offset = _utc_offset(bucket * _QUARTER, self._zone)
            self._bucket = bucket
        second = (ts // NANOS + self._offset) % _DAY_SECONDS
        if self._start < self._end:
            return self._start <= second < self._end
        return second >= self._start or second < self._end


def _second_of_day(text: str) -> int:
    hour, colon, minute = text.partition(":")
    if not (colon and len(hour) == 2 and len(minute) == 2 and hour.isdecimal() and minute.isdecimal()):
        raise ValueError(f"{text!r} is not a time of day like 08:30")
    seconds = int(hour) * 3600 + int(minute) * 60
    if int(minute) > 59 or seconds > _DAY_SECONDS:
        raise ValueError(f"{text!r} is not a time of day")
    return seconds
