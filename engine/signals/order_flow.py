"""Who trades against whose resting orders, from prints (docs/indicators.md#order-flow).

A print has an aggressor where the venue tells it. Where not, the quote that stood tells it: at the ask or
above somebody bought, at the bid or below somebody sold. Between the two, or without a quote, nobody knows.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.market.calendars.calendar import Calendar
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, Bar, Side

MINUTES_KEPT = 2 * 24 * 60


class Flow(NamedTuple):
    """Contracts that traded in some time, by who wanted them."""

    bought: int = 0
    sold: int = 0
    unknown: int = 0
    by_quote: int = 0
    """Of bought and sold, those that the quote has told."""

    @property
    def delta(self) -> int:
        """Bought less sold."""
        return self.bought - self.sold

    @property
    def imbalance(self) -> float | None:
        """Delta over what is known, -1 to 1; None where nothing is."""
        known = self.bought + self.sold
        return (self.bought - self.sold) / known if known else None


class _Minute:
    __slots__ = ("bought", "by_quote", "open_ts", "sold", "unknown")

    def __init__(self, open_ts: int) -> None:
        self.open_ts = open_ts
        self.bought = self.sold = self.unknown = self.by_quote = 0


_NONE = _Minute(-MINUTE)


class OrderFlow:
    """Of one instrument, from when it was first asked for. Bounded to the newest days of minutes.

    A minute takes prints until its bar closes, and is final then.
    """

    __slots__ = ("_calendar", "_minutes", "_now", "_summed", "since")

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._minutes: dict[int, _Minute] = {}
        self._now = _NONE
        self._summed = (0, 0, 0)
        """(Start of a session, up to when its delta is known, that delta)."""
        self.since = 0
        """The first print that counts, nanoseconds UTC; 0 before it."""

    def add(self, traded: Print, quote: Quote | None) -> Side | None:
        """Take a print whose minute has not closed, and the quote that stood when it came; gives who wanted
        it, None where nobody knows.
        """
        ts = traded.ts_venue
        minute = self._now
        if not 0 <= ts - minute.open_ts < MINUTE:
            minute = self._minute_of(ts)
        side, size = traded.aggressor, traded.size
        if side is None and quote is not None:
            price = traded.price
            if quote.ask is not None and price >= quote.ask:
                side = Side.BUY
            elif quote.bid is not None and price <= quote.bid:
                side = Side.SELL
            if side is not None:
                minute.by_quote += size
        if side is Side.BUY:
            minute.bought += size
        elif side is Side.SELL:
            minute.sold += size
        else:
            minute.unknown += size
        return side

    def _minute_of(self, ts: int) -> _Minute:
        open_ts = ts - ts % MINUTE
        minute = self._minutes.get(open_ts)
        if minute is None:
            minute = self._minutes[open_ts] = _Minute(open_ts)
            self.since = self.since or ts
            if len(self._minutes) > MINUTES_KEPT:
                del self._minutes[next(iter(self._minutes))]
        self._now = minute
        return minute

    def between(self, start_ts: int, end_ts: int) -> Flow:
        """What traded in [start, end), whole minutes that have closed, nanoseconds UTC."""
        bought = sold = unknown = by_quote = 0
        for open_ts in range(start_ts, end_ts, MINUTE):
            minute = self._minutes.get(open_ts, _NONE)
            bought += minute.bought
            sold += minute.sold
            unknown += minute.unknown
            by_quote += minute.by_quote
        return Flow(bought, sold, unknown, by_quote)

    def of(self, bar: Bar) -> Flow:
        """What traded in a closed bar: nothing that came after it."""
        return self.between(bar.open_ts, bar.close_ts)

    def session_delta(self, bar: Bar) -> int | None:
        """Bought less sold from the roll of its trade date to the close of a bar (cumulative delta); None
        where nothing was heard of that date from its roll on.
        """
        start, _ = self._calendar.day_bounds(self._calendar.trade_date(bar.open_ts))
        if not self.since or self.since > start:
            return None
        known, through, total = self._summed
        end = bar.close_ts
        if known != start or through > end:
            through, total = start, 0
        total += self.between(through, end).delta
        self._summed = start, end, total
        return total
