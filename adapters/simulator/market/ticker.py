"""One contract's market as it stands: the touch, the day's figures, the minute bars."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from adapters.simulator.market.candles import Candles
from adapters.simulator.market.contracts import ContractMonth
from adapters.simulator.market.hours import session, trade_date
from engine.model.events import Print, Quote


class DayFigures:
    """Figures of the session under way, prices in ticks. Give a print to them before the candles have it."""

    __slots__ = (
        "_candles",
        "_ends",
        "_opened",
        "_profile",
        "high",
        "last",
        "low",
        "open",
        "settle",
        "volume",
    )

    def __init__(self, candles: Candles, now: int) -> None:
        self._candles = candles
        self.last = candles.last
        self._begin(now)

    def _begin(self, ts: int) -> None:
        """Start from the bars that the session of an instant already has."""
        day = trade_date(ts)
        self._opened = opened = session(day).open
        self._ends = session(day + timedelta(days=1)).open
        today = list(self._candles.since(opened))
        self.open = today[0].open if today else None
        self.high = max((bar.high for bar in today), default=None)
        self.low = min((bar.low for bar in today), default=None)
        self.volume = sum(bar.volume for bar in today)
        self.settle = self._candles.before(opened)
        """Last price of the session before: what the day's change counts from."""
        self._profile: Counter[int] | None = None

    def on_print(self, ts: int, price: int, size: int) -> None:
        """Take in a trade."""
        if ts >= self._ends:
            self._begin(ts)
        if self.open is None:
            self.open = price
        if self.high is None or price > self.high:
            self.high = price
        if self.low is None or price < self.low:
            self.low = price
        self.last = price
        self.volume += size
        if self._profile is not None:
            self._profile[price] += size

    @property
    def change(self) -> int | None:
        """Ticks since the last price of the session before."""
        return None if self.last is None or self.settle is None else self.last - self.settle

    def profile(self) -> Counter[int]:
        """Contracts traded at each price. Of minutes that are over, spread evenly over their range.

        Kept from the first time it is asked for, as hardly anybody asks.
        """
        if self._profile is None:
            self._profile = Counter()
            for bar in self._candles.since(self._opened):
                each, rest = divmod(bar.volume, bar.high - bar.low + 1)
                for price in range(bar.low, bar.high + 1):
                    self._profile[price] += each
                self._profile[bar.close] += rest
        return self._profile


class Ticker:
    """What is known of one contract, prices in ticks. Whoever tells of a print counts it here afterwards."""

    __slots__ = ("ask", "bid", "candles", "contract", "figures", "ts")

    def __init__(self, contract: ContractMonth, candles: Candles, now: int) -> None:
        self.contract = contract
        self.candles = candles
        self.figures = DayFigures(candles, now)
        self.bid: int | None = None
        self.ask: int | None = None
        self.ts = now
        """Feed time of the newest event, nanoseconds UTC."""

    def on_quote(self, quote: Quote) -> None:
        self.bid, self.ask, self.ts = quote.bid, quote.ask, quote.ts_venue
        if self.figures.last is None:
            self.figures.last = quote.last

    def on_print(self, trade: Print) -> None:
        self.ts = trade.ts_venue
        self.figures.on_print(trade.ts_venue, trade.price, trade.size)
        self.candles.on_print(trade.ts_venue, trade.price, trade.size)
