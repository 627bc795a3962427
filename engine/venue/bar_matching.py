"""What becomes of orders where the market is told in bars alone (docs/semantics.md#fill-model).

Of a bar four prices are known, and the way between them is not. So nothing is made up: the open is a price at
which orders at market fill; after it a stop is hit where the bar reaches it, and counts before any limit; a
limit fills where the bar goes through it. What was entered in the bar can be stopped in it and wins nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.model.market import Bar, Side
from engine.venue.fill_model import reaches
from engine.venue.matching import MatchingEngine
from engine.venue.orders import OrderState

FAR = 1 << 62


class BarMatching:
    """Lets the orders of one venue meet its bars."""

    def __init__(self, matching: MatchingEngine, pass_time: Callable[[int], None]) -> None:
        """`pass_time` lets happen what is due by a time, nanoseconds."""
        self._matching = matching
        self._pass_time = pass_time
        self._bands: dict[str, tuple[int, int, int]] = {}
        """By instrument, as of which orders, and the prices between which none is met, both left out."""

    def untouched(self, bar: Bar, close_ts: int) -> bool:
        """Whether no order meets it; cheap. What is known of prices is what it leaves behind then."""
        matching, symbol = self._matching, bar.instrument
        band = self._bands.get(symbol)
        if band is None or band[0] != matching.orders.version:
            band = self._bands[symbol] = matching.orders.version, *self._band(symbol)
        if not (band[1] < bar.low and bar.high < band[2]):
            return False
        prices = matching.prices[symbol]
        prices.last, prices.ts, prices.bar = bar.close, close_ts, None
        return True

    def _band(self, symbol: str) -> tuple[int, int]:
        low, high = -FAR, FAR
        for order in self._matching.orders.in_market(symbol):
            limit, stop = order.limit, order.stop
            buys = order.side is Side.BUY
            if limit is None and stop is None:
                return FAR, -FAR  # at market: the next open is its price
            if limit is not None:
                low, high = (max(low, limit - 1), high) if buys else (low, min(high, limit + 1))
            elif stop is not None:
                low, high = (low, min(high, stop)) if buys else (max(low, stop), high)
        return low, high

    def open(self, bar: Bar) -> None:
        """Its first price: no more of the bar is looked at."""
        matching, price, ts = self._matching, bar.open, bar.open_ts
        prices = matching.prices[bar.instrument]
        prices.last, prices.ts, prices.bar = price, ts, ts
        for order in matching.orders.in_market(bar.instrument):
            if order.since > ts:
                continue
            side, limit, stop = order.side, order.limit, order.stop
            if limit is not None:
                if (limit - price) * side.sign > 0:
                    self._at_limit(order, limit, ts)
            elif stop is None or reaches(side, stop, price):
                self._at_market(order, price, ts)

    def close(self, bar: Bar) -> None:
        """All of it, after its open was told."""
        matching = self._matching
        orders = matching.orders
        met: set[int] = set()
        stopped: set[Side] = set()
        self._stops(bar, met, stopped)
        for order in orders.in_market(bar.instrument):
            limit, side = order.limit, order.side
            if limit is None or order.since > bar.open_ts:
                continue
            through = (limit - (bar.low if side is Side.BUY else bar.high)) * side.sign > 0
            # Beside a stop that closed something here, a target of its own would open the other side.
            if through and not (order.spec.reduces and side in stopped):
                self._at_limit(order, limit, bar.close_ts)
        self._pass_time(bar.close_ts)  # brackets of what has filled go to work
        self._stops(bar, met, stopped, inside=True)
        prices = matching.prices[bar.instrument]
        prices.last, prices.ts, prices.bar = bar.close, bar.close_ts, None

    def _stops(self, bar: Bar, met: set[int], stopped: set[Side], *, inside: bool = False) -> None:
        """Stops that have not `met` this bar yet. `inside`: of what was entered after its open."""
        for order in self._matching.orders.in_market(bar.instrument):
            stop, side = order.stop, order.side
            if stop is None or order.id in met:
                continue
            met.add(order.id)
            protects = order.parent is not None or order.spec.reduces
            if order.since > bar.open_ts and not protects:
                continue
            if not reaches(side, stop, bar.high if side is Side.BUY else bar.low):
                continue
            gap = not inside and reaches(side, stop, bar.open)
            self._at_market(order, bar.open if gap else stop, bar.close_ts)
            if protects:
                stopped.add(side)

    def _at_market(self, order: OrderState, price: int, ts: int) -> None:
        matching = self._matching
        worse = price + order.side.sign * matching.model.slippage_ticks
        matching.fill(order, worse, matching.orders.tradable(order), ts)

    def _at_limit(self, order: OrderState, limit: int, ts: int) -> None:
        self._matching.fill(order, limit, self._matching.orders.tradable(order), ts, maker=True)
