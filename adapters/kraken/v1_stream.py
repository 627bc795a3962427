"""What one connection to the v1 socket carries: books and trades. A stop-gap until 1 March 2027."""

from __future__ import annotations

import asyncio

import msgspec

from adapters.common.anomalies import Anomalies
from adapters.common.depth_told import DepthTeller, DepthWatch
from adapters.common.json_link import Send, SocketClosed, SocketStream
from adapters.common.redaction import scrub
from adapters.common.typed_json import UNREADABLE
from adapters.kraken import mapping
from adapters.kraken.config import KrakenTiming
from adapters.kraken.listing import Listed
from adapters.kraken.mapping import ProductGrid
from adapters.kraken.order_book import BrokenBook, SequencedBook, Top
from adapters.kraken.v1_wire import (
    V1BookDelta,
    V1BookSnapshot,
    V1Event,
    V1Message,
    V1Trade,
    read_v1,
    read_v1_event,
)
from adapters.kraken.wire import KrakenWireError
from engine.model.errors import RetryableError
from engine.model.events import Depth, Quote
from engine.ports import Clock, Sink

_APART_S = 0.012
"""Between two requests: a hundred in a second are allowed."""
_MOST_BROKEN = 5
_INVALID = "invalid product"


class V1MarketStream(SocketStream):
    """Quotes from the books' tops, prints from the trades; a snapshot's trades are of the past."""

    def __init__(
        self,
        listed: Listed,
        newest: dict[str, int],
        sink: Sink,
        clock: Clock,
        timing: KrakenTiming,
        anomalies: Anomalies,
        venue: str,
        depth: DepthWatch | None = None,
    ) -> None:
        """`newest` keeps the last trade's number of each product over connections; `depth` says whose book is
        to be told.
        """
        self._newest = newest
        self._sink = sink
        self._clock = clock
        self._timing = timing
        self._anomalies = anomalies
        self._venue = venue
        self._grids = {symbol: ProductGrid(one) for symbol, one in listed.ours.items()}
        self._books = {symbol: SequencedBook(grid) for symbol, grid in self._grids.items()}
        self._told: dict[str, Top] = {}
        self._broken: dict[str, int] = {}
        self._awaited = set(self._books)
        self._came = asyncio.Event()
        self._send: Send | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._moved = asyncio.get_running_loop().time()
        self._symbols = {one.symbol: symbol for symbol, one in listed.ours.items()}
        self._at: dict[str, int] = {}
        watch = depth or DepthWatch()
        self._depth = DepthTeller(watch, self._told_book, sink)
        watch.changed = lambda: self._depth.all(self._symbols)

    async def start(self, send: Send) -> None:
        self._send = send
        await self._request("subscribe", "heartbeat", None)
        for symbol in self._books:
            for feed in ("book", "trade"):
                # One product a request: of several, new ones are left out when one was subscribed before.
                await self._request("subscribe", feed, symbol)
        try:
            async with asyncio.timeout(self._timing.read_s):
                await self._came.wait()
        except TimeoutError:
            raise RetryableError(
                f"subscribed, but no book came of {', '.join(sorted(self._awaited))}"
            ) from None

    async def _request(self, event: str, feed: str, symbol: str | None) -> None:
        if self._send is None:
            return
        body: dict[str, object] = {"event": event, "feed": feed}
        if symbol is not None:
            body["product_ids"] = [symbol]
        await self._send(msgspec.json.encode(body))
        await asyncio.sleep(_APART_S)

    def ended(self) -> None:
        self._send = None
        self._depth.stop()
        for task in self._tasks:
            task.cancel()

    def silence(self, now: float) -> str:
        limit = self._timing.quote_silence_s
        if self._books and now - self._moved > limit:
            return f"no top of any book has moved for {limit:g} s, though heartbeats come"
        return ""

    def take(self, record: bytes) -> None:
        try:
            message = read_v1(record)
        except UNREADABLE:
            self._take_event(record)
            return
        try:
            self._handle(message)
        except KrakenWireError as error:
            self._anomalies.note(type(message).__name__, error, record[:200])

    def _handle(self, message: V1Message) -> None:
        if isinstance(message, V1BookDelta | V1BookSnapshot):
            self._book(message)
        elif isinstance(message, V1Trade):
            self._trade(message)

    def _book(self, row: V1BookDelta | V1BookSnapshot) -> None:
        symbol = row.product_id.upper()
        book = self._books.get(symbol)
        if book is None:
            raise KrakenWireError("a product that was not subscribed")
        try:
            if isinstance(row, V1BookSnapshot):
                top: Top | None = book.snapshot(row)
                self._broken.pop(symbol, None)
                self._awaited.discard(symbol)
                if not self._awaited:
                    self._came.set()
            elif book.seq is None:
                return  # what comes of the old subscription while it is renewed
            else:
                top = book.delta(row)
        except (BrokenBook, KrakenWireError) as error:
            book.seq = None
            self._anomalies.note("book", error, symbol)
            self._renew(symbol)
            return
        self._moved = asyncio.get_running_loop().time()
        if top is not None and top != self._told.get(symbol):
            self._told[symbol] = top
            self._sink(
                Quote(
                    ts_recv=self._clock(),
                    ts_venue=mapping.millis(row.timestamp),
                    instrument=self._grids[symbol].instrument.symbol,
                    bid=top[0],
                    ask=top[1],
                    venue=self._venue,
                )
            )
        self._at[symbol] = row.timestamp
        self._depth.changed(self._grids[symbol].instrument.symbol)

    def _told_book(self, symbol: str) -> Depth | None:
        name = self._symbols.get(symbol, "")
        book = self._books.get(name)
        if book is None or book.seq is None or name not in self._at:
            return None
        bids, asks = book.depth()
        return Depth(
            ts_recv=self._clock(),
            ts_venue=mapping.millis(self._at[name]),
            instrument=symbol,
            bids=bids,
            asks=asks,
            venue=self._venue,
        )

    def _trade(self, row: V1Trade) -> None:
        symbol = row.product_id.upper()
        grid = self._grids.get(symbol)
        if grid is None:
            raise KrakenWireError("a product that was not subscribed")
        newest = self._newest.get(symbol)
        if newest is not None and row.seq <= newest:
            return
        if newest is not None and row.seq > newest + 1:
            self._anomalies.counts["missed trades"] += row.seq - newest - 1
        self._newest[symbol] = row.seq
        self._sink(mapping.v1_print(row, grid, self._clock(), self._venue))

    def _take_event(self, record: bytes) -> None:
        try:
            event = read_v1_event(record)
        except UNREADABLE as error:
            self._anomalies.note("record", str(error)[:120], record[:200])
            return
        if event.warns:
            self._warned(event)

    def _warned(self, event: V1Event) -> None:
        """Nothing that the venue warns of ends the connection, but that it does not list what is wanted."""
        words = scrub(event.message or event.event)
        self._anomalies.note("alert", words)
        if _INVALID in words.lower() and self._awaited:
            raise SocketClosed(f"the venue does not list it: {words}")

    def _renew(self, symbol: str) -> None:
        self._broken[symbol] = self._broken.get(symbol, 0) + 1
        why = "messages of the book are missing, and it is asked for anew"
        self._depth.broken(self._grids[symbol].instrument.symbol, why, self._clock(), self._venue)
        if self._broken[symbol] >= _MOST_BROKEN:
            raise SocketClosed(f"the book of {symbol} was broken {_MOST_BROKEN} times in a row")
        task = asyncio.create_task(self._subscribe_again(symbol), name=f"book {symbol}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _subscribe_again(self, symbol: str) -> None:
        try:
            await self._request("unsubscribe", "book", symbol)
            await self._request("subscribe", "book", symbol)
        except SocketClosed:
            return  # the reader has noticed
