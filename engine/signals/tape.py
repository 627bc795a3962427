"""The newest prints of one instrument, who wanted them, and what was traded at which price in the session.

For people's eyes alone: strategies have `SignalBoard.order_flow`, which counts by the same rules from when
they ask. It begins when somebody looks first, with the newest prints that were kept unseen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from engine.market.calendars.calendar import Calendar
from engine.model.depth import TAPE_BARS, TAPE_PRINTS, BarDelta, TapePrint, TapeView
from engine.model.events import Print, Quote
from engine.model.market import Bar, Timeframe
from engine.signals.order_flow import Flow, OrderFlow

PRINTS_UNSEEN = 500
"""Prints of an instrument that are kept while nobody looks."""
_PRINTS = 2_000
_PRICES = 20_000
"""Prices of a session of which the volume is kept."""
_BIG_OF = 400
"""From so many prints follows what a big one is, anew with each so many."""
_FLOWS = 4 * TAPE_BARS

Heard = tuple[Print, Quote | None]
"""A print, and the quote that stood when it came."""


class PrintTape:
    """Belongs to the engine's thread."""

    def __init__(self, instrument: str, calendar: Calendar) -> None:
        self._instrument = instrument
        self._calendar = calendar
        self.prints: deque[TapePrint] = deque(maxlen=_PRINTS)
        self.flow = OrderFlow(calendar)
        self.traded: dict[int, int] = {}
        """Lots by price in ticks, of the session."""
        self.about = False
        """Some of it is spread evenly over the minutes in which it was traded."""
        self.delta = 0
        self.since = 0
        self.whole = False
        self._starts = self._ends = 0
        self.count = 0
        """Prints that were taken in."""
        self._big = 0
        self._sizes: list[int] = []
        self._flows: dict[tuple[Timeframe, int], Flow] = {}

    def begin(self, minutes: Iterable[Bar], heard: Iterable[Heard], now: int) -> None:
        """Start from the minutes of the session so far (oldest first), and the prints that were kept."""
        kept = list(heard)
        self._roll(now)
        first = kept[0][0].ts_venue if kept else now
        for bar in minutes:
            if bar.open_ts >= self._starts and bar.close_ts <= first:
                self._spread(bar)
        for trade, quote in kept:
            self.add(trade, quote)

    def _spread(self, bar: Bar) -> None:
        each, rest = divmod(bar.volume, bar.high - bar.low + 1)
        self.about = self.about or bar.volume > 0
        if each and bar.high - bar.low < _PRICES:
            for price in range(bar.low, bar.high + 1):
                self._at(price, each)
        self._at(bar.close, rest)

    def _at(self, price: int, size: int) -> None:
        if size and (price in self.traded or len(self.traded) < _PRICES):
            self.traded[price] = self.traded.get(price, 0) + size

    def _roll(self, ts: int) -> None:
        """Another session begins."""
        self._starts, self._ends = self._calendar.day_bounds(self._calendar.trade_date(ts))
        self.traded.clear()
        self.about, self.delta, self.since = False, 0, 0
        self.whole = self.count > 0

    def add(self, trade: Print, quote: Quote | None) -> None:
        """Take a print in, each once."""
        ts, size = trade.ts_venue, trade.size
        if ts >= self._ends:
            self._roll(ts)
        side = self.flow.add(trade, quote)
        sign = 0 if side is None else side.sign
        self.count += 1
        self.prints.append(TapePrint(self.count, ts, trade.price, size, sign))
        if ts < self._starts:
            return
        self.since = self.since or ts
        self.delta += sign * size
        self._at(trade.price, size)
        self._sizes.append(size)
        if len(self._sizes) >= _BIG_OF:
            self._big = big_of(self._sizes)
            self._sizes.clear()

    @property
    def last(self) -> TapePrint | None:
        return self.prints[-1] if self.prints else None

    def view(self, timeframe: Timeframe, bars: Iterable[Bar]) -> TapeView:
        """The picture of it, with the delta of each bar, oldest first, the last one maybe under way."""
        found: list[BarDelta] = []
        flows = [(bar, self._flow_of(bar)) for bar in bars]
        total = self.delta
        for bar, flow in reversed(flows):
            found.append(BarDelta(bar.open_ts, bar.volume, flow.bought, flow.sold, total))
            total -= flow.delta
        prints = tuple(self.prints)[-TAPE_PRINTS:]
        big = self._big or (big_of(self._sizes) if len(self._sizes) >= _BIG_OF // 8 else 0)
        told = tuple(reversed(found))
        return TapeView(self._instrument, timeframe, prints, told, self.delta, self.since, self.whole, big)

    def _flow_of(self, bar: Bar) -> Flow:
        key = bar.timeframe, bar.open_ts
        flow = self._flows.get(key)
        if flow is None:
            flow = self.flow.of(bar)
            now = self.prints[-1].ts if self.prints else 0
            if now - bar.close_ts > bar.timeframe.nanos // 4:  # nothing comes late any more
                if len(self._flows) >= _FLOWS:
                    self._flows.clear()
                self._flows[key] = flow
        return flow


def big_of(sizes: Iterable[int]) -> int:
    """The size that two of a hundred reach, and at least twice the middle one."""
    ordered = sorted(sizes)
    return max(ordered[len(ordered) * 98 // 100], 2 * ordered[len(ordered) // 2])
