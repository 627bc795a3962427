"""What one connection to the public v2 socket carries: listed products, books, trades."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from adapters.common.anomalies import Anomalies
from adapters.common.depth_told import DepthTeller, DepthWatch
from adapters.common.redaction import scrub
from adapters.kraken import mapping
from adapters.kraken.asking import Asking
from adapters.kraken.config import KrakenTiming
from adapters.kraken.listing import Listed
from adapters.kraken.mapping import ProductGrid
from adapters.kraken.order_book import DEPTH, BrokenBook, CheckedBook, Top
from adapters.kraken.requests import DERIVATIVES
from adapters.kraken.wire import (
    ABSENT,
    KrakenWireError,
    UwsBook,
    UwsBookRow,
    UwsCandle,
    UwsCandles,
    UwsInstruments,
    UwsMessage,
    UwsTicker,
    UwsTickerRow,
    UwsTrades,
)
from engine.model.errors import PortError, RetryableError
from engine.model.events import Depth, Quote
from engine.model.market import NANOS
from engine.ports import Clock, Sink

_MOST_BROKEN = 5
"""So often in a row a book may be broken before the connection is given up."""
_MOST_AHEAD_NS = 3600 * NANOS
"""By so much may the venue's clock be ahead of ours: it decides bars and trade dates."""

Resolved = Callable[[], None]
"""Hears that the products are known and as the settings say."""


class _Product:
    """One instrument's book, and its last price."""

    __slots__ = ("book", "broken", "grid", "last", "renewed", "renewing", "told", "top", "ts")

    def __init__(self, grid: ProductGrid, digits: tuple[int, int] | None) -> None:
        self.grid = grid
        self.book = CheckedBook(grid, digits)
        self.top: Top = (None, None)
        self.told: Top | None = None
        self.last: int | None = None
        self.broken = self.renewed = 0
        self.renewing = False
        self.ts = 0
        """When its top last changed, nanoseconds UTC."""


class KrakenMarketStream(Asking):
    """Quotes from the books' tops, prints from the trades. A book that breaks is subscribed anew."""

    def __init__(
        self,
        listed: Listed,
        newest: dict[str, int],
        resolved: Resolved,
        sink: Sink,
        clock: Clock,
        timing: KrakenTiming,
        anomalies: Anomalies,
        venue: str,
        depth: DepthWatch | None = None,
    ) -> None:
        """`newest` keeps the last trade id of each product over connections; `depth` says whose book is to be
        told.
        """
        super().__init__(anomalies)
        self._listed = listed
        self._newest = newest
        self._resolved = resolved
        self._sink = sink
        self._clock = clock
        self._timing = timing
        self._venue = venue
        self._products: dict[str, _Product] = {}
        self._awaited: set[str] = set()
        self._came = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._dead = ""
        self._candles: dict[tuple[str, int], asyncio.Future[list[UwsCandle]]] = {}
        self._moved = asyncio.get_running_loop().time()
        """When a top of book last changed."""
        self._symbols = {one.symbol: symbol for symbol, one in listed.ours.items()}
        watch = depth or DepthWatch()
        self._depth = DepthTeller(watch, self._told_book, sink)
        watch.changed = lambda: self._depth.all(self._symbols)

    async def subscribe(self) -> None:
        read_s = self._timing.read_s
        self._awaited = {""}
        await self.query(
            "subscribe", {"channel": "instrument", "asset_class": DERIVATIVES, "snapshot": True}, read_s
        )
        await self._first(read_s)
        self._listed.check()
        self._resolved()
        for symbol, instrument in self._listed.ours.items():
            self._products[symbol] = _Product(ProductGrid(instrument), _digits(self._listed, symbol))
        self._came.clear()
        self._awaited = set(self._products)
        for symbol in self._products:
            for channel, more in (
                ("book", {"depth": DEPTH, "snapshot": True}),
                ("trade", {"snapshot": False}),
                ("ticker", {"snapshot": True}),
            ):
                await self.query("subscribe", _params(channel, symbol, **more), read_s)
        await self._first(read_s)

    async def _first(self, limit_s: float) -> None:
        """Until everything awaited has come. Raises RetryableError."""
        try:
            async with asyncio.timeout(limit_s):
                await self._came.wait()
        except TimeoutError:
            what = ", ".join(sorted(self._awaited)) or "its products"
            raise RetryableError(f"subscribed, but nothing came of {what}") from None

    def told_system(self, system: str) -> None:
        super().told_system(system)
        self._listed.system = system  # whether a private connection is told, too, is not known

    def silence(self, now: float) -> str:
        if self._dead:
            return self._dead
        limit = self._timing.quote_silence_s
        if self._products and now - self._moved > limit:
            return f"no top of any book has moved for {limit:g} s, though heartbeats come"
        return ""

    def ended(self) -> None:
        super().ended()
        self._depth.stop()
        for task in self._tasks:
            task.cancel()

    def handle(self, message: UwsMessage) -> None:
        match message:
            case UwsBook():
                for row in message.data:
                    self._book(row, message.type == "snapshot")
            case UwsTrades():
                if message.type != "snapshot":
                    self._trades(message)
            case UwsTicker():
                for quoted in message.data:
                    self._ticker(quoted)
            case UwsCandles():
                self._history(message)
            case UwsInstruments():
                self._listed.learn(message.data.pairs)
                self._arrived("")

    def _arrived(self, what: str) -> None:
        if what in self._awaited:
            self._awaited.discard(what)
            if not self._awaited:
                self._came.set()

    def _product(self, symbol: str) -> _Product:
        product = self._products.get(symbol)
        if product is None:
            raise KrakenWireError("a product that was not subscribed")
        return product

    def _book(self, row: UwsBookRow, whole: bool) -> None:
        product = self._product(row.symbol)
        if not whole and not product.book.complete:
            return  # what comes of the old subscription while it is renewed
        try:
            product.top = product.book.snapshot(row) if whole else product.book.update(row)
        except (BrokenBook, KrakenWireError) as error:
            product.book.complete = False
            self._anomalies.note("book", error, row.symbol)
            self._renew(row.symbol, product)
            return
        product.broken = 0
        self._moved = asyncio.get_running_loop().time()
        self._arrived(row.symbol)
        if product.top != product.told:
            product.told = product.top
            product.ts = self._past(mapping.stamp(row.timestamp))
            self._quote(product, product.ts)
        self._depth.changed(product.grid.instrument.symbol)

    def _told_book(self, symbol: str) -> Depth | None:
        product = self._products.get(self._symbols.get(symbol, ""))
        if product is None or not product.book.complete:
            return None
        bids, asks = product.book.depth()
        return Depth(
            ts_recv=self._clock(),
            ts_venue=product.ts,
            instrument=symbol,
            bids=bids,
            asks=asks,
            venue=self._venue,
            resyncs=product.renewed,
        )

    def _quote(self, product: _Product, ts: int) -> None:
        bid, ask = product.top
        self._sink(
            Quote(
                ts_recv=self._clock(),
                ts_venue=ts,
                instrument=product.grid.instrument.symbol,
                bid=bid,
                ask=ask,
                venue=self._venue,
                last=product.last,
            )
        )

    def _ticker(self, row: UwsTickerRow) -> None:
        """Its last price alone: the book's top is newer than the ticker's."""
        product = self._product(row.symbol)
        if row.last != ABSENT and product.last is None and bytes(row.last) != b"null":
            product.last = product.grid.ticks[bytes(row.last)]

    def _trades(self, message: UwsTrades) -> None:
        now = self._clock()
        for row in message.data:
            product = self._product(row.symbol)
            newest = self._newest.get(row.symbol)
            if newest is not None and row.trade_id <= newest:
                continue  # told already
            if newest is not None and row.trade_id > newest + 1:
                self._anomalies.counts["missed trades"] += row.trade_id - newest - 1
            self._newest[row.symbol] = row.trade_id
            try:
                told = mapping.market_print(row, product.grid, now, row.trade_id, self._venue)
                self._past(told.ts_venue)
            except KrakenWireError as error:
                self._anomalies.note("trade", error, row.symbol)
                continue
            product.last = told.price
            self._sink(told)

    def _past(self, ts: int) -> int:
        """Raises KrakenWireError for what has not happened yet."""
        if ts > self._clock() + _MOST_AHEAD_NS:
            raise KrakenWireError("a time far ahead of ours")
        return ts

    # -- history -------------------------------------------------------------------------------------

    async def candles(self, symbol: str, minutes: int) -> list[UwsCandle]:
        """Bars of so many minutes as the channel shows the past. Raises RetryableError, RefusedError."""
        key, read_s = (symbol, minutes), self._timing.read_s
        if key in self._candles:
            raise RetryableError(f"history of {symbol} is being asked for already")
        shown = self._candles[key] = asyncio.get_running_loop().create_future()
        try:
            await self.query("subscribe", _params("ohlc", symbol, interval=minutes, snapshot=True), read_s)
            async with asyncio.timeout(read_s):
                rows: list[UwsCandle] = await shown
                return rows
        except TimeoutError:
            raise RetryableError(f"history of {symbol}: the channel shows nothing") from None
        finally:
            del self._candles[key]
            shown.cancel()
            with suppress(PortError):
                await self.query("unsubscribe", _params("ohlc", symbol, interval=minutes), read_s)

    def _history(self, message: UwsCandles) -> None:
        if message.type != "snapshot" or not message.data:
            return  # the running bar is folded from the trades
        first = message.data[0]
        shown = self._candles.get((first.symbol, first.interval))
        if shown is not None and not shown.done():
            shown.set_result(message.data)

    # -- broken books --------------------------------------------------------------------------------

    def _renew(self, symbol: str, product: _Product) -> None:
        product.broken += 1
        product.renewed += 1
        why = "the book is broken and asked for anew"
        self._depth.broken(product.grid.instrument.symbol, why, self._clock(), self._venue)
        if product.broken >= _MOST_BROKEN:
            self._dead = f"the book of {symbol} was broken {product.broken} times in a row"
            return
        if not product.renewing:
            product.renewing = True
            task = asyncio.create_task(self._subscribe_again(symbol, product), name=f"book {symbol}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _subscribe_again(self, symbol: str, product: _Product) -> None:
        read_s = self._timing.read_s
        try:
            await self.query("unsubscribe", _params("book", symbol, depth=DEPTH), read_s)
            product.renewing = False  # from here on a broken snapshot is another one
            await self.query("subscribe", _params("book", symbol, depth=DEPTH, snapshot=True), read_s)
        except PortError as error:
            self._dead = f"the book of {symbol} can't be subscribed again: {scrub(error)}"
        finally:
            product.renewing = False


def _params(channel: str, symbol: str, **more: Any) -> dict[str, Any]:
    return {"channel": channel, "asset_class": DERIVATIVES, "symbol": [symbol], **more}


def _digits(listed: Listed, symbol: str) -> tuple[int, int] | None:
    pair = listed.pair(symbol)
    if pair is None or pair.price_precision is None or pair.qty_precision is None:
        return None
    return pair.price_precision, pair.qty_precision
