"""The order book of one product from orderbook.50 records (docs/protocols/bybit.md#market). Pure.

That each change has the number after the one before it is not verified: where that alone speaks against a
book several times in a row it is not asked of it any more, and crossed sides tell.
"""

from __future__ import annotations

from adapters.bybit.mapping import BybitProduct
from adapters.bybit.wire import BybitBook
from adapters.common.book_side import BookSide
from engine.model.events import Depth
from engine.model.market import DEPTH_LEVELS

LEVELS = 50
_DOUBTS = 3
"""So many gaps without one record after a snapshot that had its turn, and numbers are not believed."""


class BybitBookBroken(Exception):
    """What is known of a book is not the venue's any more; the text says why."""


class BybitDepth:
    def __init__(self, product: BybitProduct, venue: str) -> None:
        self._product = product
        self._venue = venue
        self.bids = BookSide(highest_first=True)
        self.asks = BookSide(highest_first=False)
        self.last: int | None = None
        """Number of the newest change; None before a snapshot and after a gap."""
        self._ts = 0
        self._doubts = 0
        self.resyncs = 0

    def take(self, row: BybitBook, whole: bool, ts: int) -> bool:
        """Take a record in; `ts` in nanoseconds UTC. False for one that says nothing new.

        Raises BybitBookBroken, ValueError.
        """
        if not whole and row.u != 1:
            if self.last is None or row.u <= self.last:
                return False  # of the subscription before, or told again
            if row.u != self.last + 1 and self._doubts < _DOUBTS:
                self._doubts += 1
                raise self._broken(f"{row.u - self.last - 1} changes of it are missing")
            if row.u == self.last + 1:
                self._doubts = 0
        bids, asks = self._levels(row.b), self._levels(row.a)
        if whole or row.u == 1:
            self.bids.load(bids)
            self.asks.load(asks)
        else:
            for price, size in bids:
                self.bids.set(price, size)
            for price, size in asks:
                self.asks.set(price, size)
        self.last, self._ts = row.u, ts
        bid, ask = self.bids.best(), self.asks.best()
        if bid is not None and ask is not None and bid >= ask:
            raise self._broken("bid and ask cross")
        return True

    def _levels(self, levels: list[tuple[str, str]]) -> list[tuple[int, int]]:
        ticks, lots = self._product.ticks, self._product.lots
        return [(ticks[price], lots[size]) for price, size in levels]

    def _broken(self, why: str) -> BybitBookBroken:
        self.last = None
        return BybitBookBroken(why)

    def told(self, ts_recv: int) -> Depth | None:
        """None before there is a snapshot."""
        if self.last is None:
            return None
        return Depth(
            ts_recv=ts_recv,
            ts_venue=self._ts,
            instrument=self._product.instrument.symbol,
            bids=self.bids.levels(DEPTH_LEVELS),
            asks=self.asks.levels(DEPTH_LEVELS),
            venue=self._venue,
            resyncs=self.resyncs,
        )
