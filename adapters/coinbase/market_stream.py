"""What one connection to Coinbase's market stream carries: books, of which the top is told, and trades."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from adapters.coinbase import mapping
from adapters.coinbase.channels import CoinbaseStream
from adapters.coinbase.mapping import CoinbaseCoin
from adapters.coinbase.wire import (
    CoinbaseBookEvent,
    CoinbaseRecord,
    CoinbaseTradesEvent,
    CoinbaseWireError,
    read,
)
from adapters.common.anomalies import Anomalies
from adapters.common.book_side import BookSide
from adapters.common.depth_told import DepthTeller, DepthWatch
from engine.model.events import Depth, Quote
from engine.model.market import DEPTH_LEVELS
from engine.ports import Clock, Sink


class _Book:
    """Both sides of one product, and the trade and the quote that were told last."""

    __slots__ = ("asks", "bids", "coin", "last", "told", "ts")

    def __init__(self, coin: CoinbaseCoin) -> None:
        self.coin = coin
        self.bids = BookSide(highest_first=True)
        self.asks = BookSide(highest_first=False)
        self.last: int | None = None
        self.told: tuple[int | None, int | None] | None = None
        self.ts = 0


class CoinbaseMarketStream(CoinbaseStream):
    def __init__(
        self,
        coins: Mapping[str, CoinbaseCoin],
        sink: Sink,
        clock: Clock,
        anomalies: Anomalies,
        next_seq: Callable[[], int],
        venue: str,
        depth: DepthWatch | None = None,
    ) -> None:
        """`coins` by the name under which the stream tells of them; `depth` says whose book is to be told."""
        # Without a product in it a subscription would be to all that there are.
        channels = ("level2", "market_trades") if coins else ()
        super().__init__(channels, sorted(coins), None, anomalies)
        self._coins = coins
        self._sink = sink
        self._clock = clock
        self._next_seq = next_seq
        self._venue = venue
        self._books: dict[str, _Book] = {}
        self._names = {coin.instrument.symbol: name for name, coin in coins.items()}
        watch = depth or DepthWatch()
        self._depth = DepthTeller(watch, self._told_book, sink)
        watch.changed = lambda: self._depth.all(self._names)

    def ended(self) -> None:
        super().ended()
        self._depth.stop()

    def missing(self) -> str:
        return ", ".join(name for name in self._coins if name not in self._books)

    def read(self, record: CoinbaseRecord) -> None:
        if record.channel == "l2_data":
            for event in read(record.events, list[CoinbaseBookEvent]):
                self._levels(event, record.timestamp)
        elif record.channel == "market_trades":
            for trades in read(record.events, list[CoinbaseTradesEvent]):
                self._trades(trades)

    def _levels(self, event: CoinbaseBookEvent, timestamp: str) -> None:
        coin = self._coins.get(event.product_id)
        if coin is None:
            return
        if event.type == "snapshot":
            before = self._books.get(event.product_id)
            book = self._books[event.product_id] = _Book(coin)
            book.last = None if before is None else before.last
        elif (known := self._books.get(event.product_id)) is not None:
            book = known
        else:
            raise CoinbaseWireError("changes of a book that was not told")
        with mapping.making_sense():
            levels = [(row.side == "bid", *mapping.level(row, coin)) for row in event.updates]
            ts = book.ts = mapping.stamp(timestamp)
        if event.type == "snapshot":
            book.bids.load((price, size) for bid, price, size in levels if bid)
            book.asks.load((price, size) for bid, price, size in levels if not bid)
        else:
            for bid, price, size in levels:
                (book.bids if bid else book.asks).set(price, size)
        top = book.bids.best(), book.asks.best()
        if top != book.told:
            book.told = top
            self._tell(book, ts)
        self._depth.changed(coin.instrument.symbol)

    def _told_book(self, symbol: str) -> Depth | None:
        book = self._books.get(self._names.get(symbol, ""))
        if book is None:
            return None
        return Depth(
            ts_recv=self._clock(),
            ts_venue=book.ts,
            instrument=symbol,
            bids=book.bids.levels(DEPTH_LEVELS),
            asks=book.asks.levels(DEPTH_LEVELS),
            venue=self._venue,
        )

    def _tell(self, book: _Book, ts: int) -> None:
        bid, ask = book.told or (None, None)
        self._sink(
            Quote(
                ts_recv=self._clock(),
                ts_venue=ts,
                instrument=book.coin.instrument.symbol,
                bid=bid,
                ask=ask,
                venue=self._venue,
                last=book.last,
            )
        )

    def _trades(self, event: CoinbaseTradesEvent) -> None:
        """A snapshot is of trades before: history has them."""
        told = []
        for row in event.trades:
            coin = self._coins.get(row.product_id)
            if coin is None or event.type == "snapshot":
                continue
            try:
                told.append((row.product_id, mapping.market_print(row, coin, self._clock(), 0, self._venue)))
            except CoinbaseWireError as error:
                self._anomalies.note("print", error)
        told.reverse()  # the newest is told first
        for name, trade in sorted(told, key=lambda one: one[1].ts_venue):
            if (book := self._books.get(name)) is not None:
                book.last = trade.price
            self._sink(replace(trade, seq=self._next_seq()))
