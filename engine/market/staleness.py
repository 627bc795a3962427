"""When market data is too old to enter on, or late. A silent feed matters only while the market is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.model.market import MINUTE, NANOS

LATE_NS = 2 * NANOS
"""Prices that come so much later than they are stamped are late."""

DELAYED_NS = 3 * MINUTE
"""So much longer may prices be silent that come as minutes, late."""

SEEN_BEFORE_TOLD = 5
"""So many prices of a minute say how late a venue is: a single one may only be repeated."""


class Staleness:
    """Remembers when each instrument was last heard; `after_ns` of silence in session hours is stale.

    Silence before the session's open does not count: at the open the clock starts anew. An instrument
    that was never heard is stale whenever the market is open.
    """

    __slots__ = ("_after_ns", "_calendars", "_delayed", "_heard")

    def __init__(self, after_ns: int, calendars: Mapping[str, Calendar] | None = None) -> None:
        """`calendars` by instrument; the futures' where none is told."""
        self._after_ns = after_ns
        self._calendars = calendars or {}
        self._heard: dict[str, int] = {}
        self._delayed: set[str] = set()

    def after(self, after_ns: int) -> None:
        """So long a silence is stale from now on."""
        self._after_ns = after_ns

    def seen(self, instrument: str, ts_recv: int) -> None:
        """A quote or a print came."""
        self._heard[instrument] = ts_recv

    def delay(self, instrument: str, *, delayed: bool) -> None:
        """Prices of an instrument come as minutes from now on, or as they are made."""
        (self._delayed.add if delayed else self._delayed.discard)(instrument)

    def age(self, instrument: str, now: int) -> int | None:
        """Nanoseconds since the last quote or print; None before the first."""
        heard = self._heard.get(instrument)
        return None if heard is None else max(0, now - heard)

    def stale(self, instrument: str, now: int, wall: int | None = None, after_ns: int | None = None) -> bool:
        """Whether nothing should be entered on this instrument's prices; the calendar goes by `wall`.
        `after_ns` is another length of silence, as one book may have it.
        """
        wall = now if wall is None else wall
        calendar = self._calendars.get(instrument, CME)
        if not calendar.is_open(wall):
            return False
        heard = self._heard.get(instrument)
        allowed = self._after_ns if after_ns is None else after_ns
        if instrument in self._delayed:
            allowed += DELAYED_NS
        return heard is None or min(now - heard, wall - calendar.trading_began(wall)) > allowed


class Late(NamedTuple):
    """A venue's prices have begun to come late, beside those of one that is prompt, or come in time again."""

    venue: str
    by_ns: int
    """0: in time again."""
    prompt: str
    """Whose are not late."""


class Lateness:
    """By how much the prices of each of several venues come later than they are stamped: minute by minute,
    the least of all. Where all of them are late it may be our clock, and nothing is said here.
    """

    def __init__(self) -> None:
        self.late: dict[str, int] = {}
        """By how much the prices of a venue come late, of those that do, nanoseconds."""
        self.due = 0
        """The core's now by which to `look`, nanoseconds UTC."""
        self._least: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def seen(self, venue: str, lag_ns: int) -> None:
        """A price came so much later than its stamp, by a clock that is the same for all venues."""
        self._seen[venue] = self._seen.get(venue, 0) + 1
        least = self._least.get(venue)
        if least is None or lag_ns < least:
            self._least[venue] = lag_ns

    def look(self, now: int, offset_ns: int) -> Sequence[Late]:
        """What has changed in the minute that is over. `offset_ns` is what that clock lacks of the wall's."""
        self.due = now + MINUTE
        lags = {
            venue: least + offset_ns
            for venue, least in self._least.items()
            if self._seen[venue] >= SEEN_BEFORE_TOLD
        }
        self._least.clear()
        self._seen.clear()
        prompt = next((venue for venue, lag in sorted(lags.items()) if abs(lag) < LATE_NS), "")
        found: list[Late] = []
        for venue, lag in lags.items():
            was = venue in self.late
            if lag < LATE_NS:
                if self.late.pop(venue, 0):
                    found.append(Late(venue, 0, prompt))
            elif prompt:
                self.late[venue] = lag
                if not was:
                    found.append(Late(venue, lag, prompt))
        return found
