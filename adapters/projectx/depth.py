"""The order book of one contract from GatewayDepth rows (docs/protocols/projectx.md#market-events). Pure.

There is no number to tell a lost row by: the best prices, which come by themselves, put the sides right.
Whoever is not entitled to the whole book gets the best prices and the traded volume alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.common.book_side import BookSide
from adapters.projectx.mapping import PriceTexts, stamp
from adapters.projectx.wire import LevelRow, WireError
from engine.model.events import Depth
from engine.model.market import DEPTH_LEVELS

ASK, BID, BEST_ASK, BEST_BID, TRADE, RESET, NEW_BEST_BID, NEW_BEST_ASK = 1, 2, 3, 4, 5, 6, 9, 10
"""Types of rows; 7 and 8 are the day's low and high, 11 a fill: they say nothing about the book."""

NEAR = 80
"""Prices above and below the market of which the traded volume is told."""
_MOST_LEVELS = 2_000
_MOST_PRICES = 20_000


class ContractDepth:
    """Book and traded volume of the session as they stand, prices in ticks."""

    def __init__(self, prices: PriceTexts, venue: str) -> None:
        self._prices = prices
        self._venue = venue
        self.bids = BookSide(highest_first=True)
        self.asks = BookSide(highest_first=False)
        self.traded: dict[int, int] = {}
        self._whole = False
        """More than the best prices has come."""
        self._ts = 0
        self.resyncs = 0

    def take(self, rows: Iterable[LevelRow]) -> list[WireError]:
        """Take rows in, in their order; gives what is wrong with those that are left out."""
        wrong: list[WireError] = []
        for row in rows:
            try:
                self._take(row)
            except WireError as error:
                wrong.append(error)
        for side in (self.bids, self.asks):
            if len(side) > _MOST_LEVELS:
                side.keep(_MOST_LEVELS)
        return wrong

    def _take(self, row: LevelRow) -> None:
        kind = row.type
        if kind == RESET:
            self.bids.load(())
            self.asks.load(())
            self.resyncs += 1
            return
        if kind not in _KNOWN:
            return
        price = self._prices[bytes(row.price)]
        if price is None:
            raise WireError("a level without a price")
        if kind == TRADE:
            self._trade(price, row.volume)
        elif kind in (BID, ASK):
            self._whole = True
            (self.bids if kind == BID else self.asks).set(price, row.volume)
        else:
            self._best(self.bids if kind in (BEST_BID, NEW_BEST_BID) else self.asks, price, row.volume)
        if row.timestamp is not None and not row.timestamp.startswith("0001"):  # of the first, large record
            self._ts = stamp(row.timestamp)

    def _trade(self, price: int, volume: int) -> None:
        if volume < self.traded.get(price, 0):
            self.traded.clear()  # it counts anew with each session
        if price in self.traded or len(self.traded) < _MOST_PRICES:
            self.traded[price] = volume

    def _best(self, side: BookSide, price: int, size: int) -> None:
        if not self._whole:
            side.load(((price, size),))
            return
        side.none_better(price)
        if size > 0:
            side.set(price, size)

    def forget(self) -> None:
        """It is not told any more: what is here gets old."""
        self.bids.load(())
        self.asks.load(())

    def told(self, ts_recv: int) -> Depth:
        bids, asks = self.bids.levels(DEPTH_LEVELS), self.asks.levels(DEPTH_LEVELS)
        middle = bids[0][0] if bids else asks[0][0] if asks else None
        traded: tuple[tuple[int, int], ...] = ()
        if middle is not None and self.traded:
            get = self.traded.get
            traded = tuple(
                (price, size) for price in range(middle - NEAR, middle + NEAR + 1) if (size := get(price, 0))
            )
        return Depth(
            ts_recv=ts_recv,
            ts_venue=self._ts,
            instrument=self._prices.instrument.symbol,
            bids=bids,
            asks=asks,
            venue=self._venue,
            touch_only=not self._whole,
            traded=traded,
            resyncs=self.resyncs,
        )


_KNOWN = frozenset((ASK, BID, BEST_ASK, BEST_BID, TRADE, NEW_BEST_BID, NEW_BEST_ASK))
