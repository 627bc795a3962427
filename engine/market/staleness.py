"""When market data is too old to enter on. A silent feed matters only while the market is open."""

from __future__ import annotations

from collections.abc import Mapping

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME


class Staleness:
    """Remembers when each instrument was last heard; `after_ns` of silence in session hours is stale.

    Silence before the session's open does not count: at the open the clock starts anew. An instrument
    that was never heard is stale whenever the market is open.
    """

    __slots__ = ("_after_ns", "_calendars", "_heard")

    def __init__(self, after_ns: int, calendars: Mapping[str, Calendar] | None = None) -> None:
        """`calendars` by instrument; the futures' where none is told."""
        self._after_ns = after_ns
        self._calendars = calendars or {}
        self._heard: dict[str, int] = {}

    def seen(self, instrument: str, ts_recv: int) -> None:
        """A quote or a print came."""
        self._heard[instrument] = ts_recv

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
        return heard is None or min(now - heard, wall - calendar.trading_began(wall)) > (
            self._after_ns if after_ns is None else after_ns
        )
