"""What one connection to Bybit's public stream carries: the top of each book, and the trades."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from adapters.bybit import mapping
from adapters.bybit.config import BybitTiming
from adapters.bybit.depth import LEVELS, BybitBookBroken, BybitDepth
from adapters.bybit.mapping import BybitProduct
from adapters.bybit.wire import BybitBook, BybitTopic, BybitWireError, Trades, read
from adapters.common.anomalies import Anomalies
from adapters.common.depth_told import MOST_RESYNCS, DepthTeller, DepthWatch
from adapters.common.json_link import Send, SocketClosed, SocketStream
from adapters.common.redaction import scrub
from engine.model.events import Depth
from engine.ports import Clock, Sink

_MOST_ARGS = 10
"""Topics in one request: more are refused on spot."""
_DEPTH = "depth-"
"""How the ids of requests for whole books begin."""
PING = b'{"req_id":"ping","op":"ping"}'


class BybitMarketStream(SocketStream):
    """The top of a book is told whole each time, and again after 3 s without a change: its silence is a
    fault. A stream that is made anew begins with it, and knows no trade of before.
    """

    def __init__(
        self,
        products: Mapping[str, BybitProduct],
        trading: Collection[str],
        sink: Sink,
        clock: Clock,
        timing: BybitTiming,
        anomalies: Anomalies,
        next_seq: Callable[[], int],
        venue: str,
        depth: DepthWatch | None = None,
    ) -> None:
        """`products` by the venue's name; of those that are `trading` silence is a fault. `depth` says whose
        whole book is to be told.
        """
        self._products = products
        self._trading = frozenset(trading)
        self._sink = sink
        self._clock = clock
        self._silence_s = timing.quote_silence_s
        self._anomalies = anomalies
        self._next_seq = next_seq
        self._venue = venue
        self._last: dict[str, int] = {}
        self._heard: dict[str, float] = {}
        self._waits: dict[str, asyncio.Future[None]] = {}
        self._first = asyncio.Event()
        self._names = {one.instrument.symbol: name for name, one in products.items()}
        self._books: dict[str, BybitDepth] = {}
        """Those whose depth is subscribed, by the venue's name."""
        self._watch = depth or DepthWatch()
        self._depth = DepthTeller(self._watch, self._told_book, sink)
        self._again: Send | None = None
        """By which a broken book is asked for anew."""
        self._looking = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, send: Send) -> None:
        topics = [f"{kind}.{name}" for name in self._products for kind in ("orderbook.1", "publicTrade")]
        loop = asyncio.get_running_loop()
        for number, at in enumerate(range(0, len(topics), _MOST_ARGS), 1):
            answer = self._waits[str(number)] = loop.create_future()
            request = {"req_id": str(number), "op": "subscribe", "args": topics[at : at + _MOST_ARGS]}
            await send(msgspec.json.encode(request))
            await answer
        if self._trading:
            await self._first.wait()
        self._again = send
        self._watch.changed = lambda: self._soon(self._look(send))
        self._watch.changed()

    def ended(self) -> None:
        self._watch.changed = lambda: None
        self._depth.stop()
        for task in self._tasks:
            task.cancel()

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="bybit-depth")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, send: Send, again: str = "") -> None:
        """Have the whole book sent of what somebody looks at, and of nothing else; of `again` anew."""
        with suppress(SocketClosed):  # the reader has noticed
            async with self._looking:
                wanted = {self._names[one] for one in self._watch.wanted if one in self._names}
                gone = self._books.keys() - wanted
                for name in (*gone, *([again] if again in self._books else ())):
                    await send(_depth_request("unsubscribe", name))
                for name in gone:
                    del self._books[name]
                for name in (*(wanted - self._books.keys()), *([again] if again in self._books else ())):
                    if name not in self._books:
                        self._books[name] = BybitDepth(self._products[name], self._venue)
                    await send(_depth_request("subscribe", name))

    def take(self, record: bytes) -> None:
        try:
            row = read(record, BybitTopic)
            if row.op:
                self._answered(row)
            elif row.topic.startswith("orderbook.1."):
                self._quote(row)
            elif row.topic.startswith("orderbook."):
                self._levels(row)
            elif row.topic.startswith("publicTrade."):
                self._prints(row)
        except BybitWireError as error:
            self._anomalies.note("market stream record", error, record[:120])

    def ping(self) -> bytes:
        return PING

    def silence(self, now: float) -> str:
        heard = self._heard
        late = [name for name in self._trading if now - heard.get(name, now) > self._silence_s]
        return f"no quote of {', '.join(sorted(late))} for {self._silence_s:g} s" if late else ""

    def _answered(self, row: BybitTopic) -> None:
        if row.op != "subscribe":
            return
        wait = self._waits.pop(row.req_id, None)
        if row.req_id.startswith(_DEPTH):
            if not row.success:
                name, why = row.req_id.removeprefix(_DEPTH), f"the venue refuses it: {scrub(row.ret_msg)}"
                self._broken(name, why)
            return
        if not row.success:
            raise SocketClosed(f"the venue refuses to tell of the market: {scrub(row.ret_msg)}")
        if wait is not None and not wait.done():
            wait.set_result(None)

    def _quote(self, row: BybitTopic) -> None:
        book = read(row.data, BybitBook)
        product = self._products.get(book.s)
        if product is None:
            return
        self._heard[book.s] = asyncio.get_running_loop().time()
        if self._trading <= self._heard.keys():
            self._first.set()
        last = self._last.get(book.s)
        self._sink(mapping.quote(book, product, row.ts, last, self._clock(), self._venue))

    def _levels(self, row: BybitTopic) -> None:
        book = read(row.data, BybitBook)
        known = self._books.get(book.s)
        if known is None:
            return
        try:
            if known.take(book, row.type == "snapshot", mapping.millis(row.ts)):
                self._depth.changed(self._products[book.s].instrument.symbol)
        except (BybitBookBroken, ValueError) as error:
            known.last = None
            known.resyncs += 1
            self._anomalies.note("order book", error, book.s)
            self._broken(book.s, f"{error}: it is asked for anew")
            if self._again is not None and known.resyncs <= MOST_RESYNCS:
                self._soon(self._look(self._again, book.s))

    def _broken(self, name: str, why: str) -> None:
        if (product := self._products.get(name)) is not None:
            self._depth.broken(product.instrument.symbol, why, self._clock(), self._venue)

    def _told_book(self, symbol: str) -> Depth | None:
        book = self._books.get(self._names.get(symbol, ""))
        return None if book is None else book.told(self._clock())

    def _prints(self, row: BybitTopic) -> None:
        """One that makes no sense is left out, and the others of its record are not."""
        for trade in read(row.data, Trades):
            product = self._products.get(trade.s)
            if product is None or trade.BT:  # agreed elsewhere: it says nothing about the market's price
                continue
            try:
                told = mapping.market_print(trade, product, self._clock(), self._next_seq(), self._venue)
            except BybitWireError as error:
                self._anomalies.note("print", error)
                continue
            self._last[trade.s] = told.price
            self._sink(told)


def _depth_request(op: str, name: str) -> bytes:
    request = {"req_id": f"{_DEPTH}{name}", "op": op, "args": [f"orderbook.{LEVELS}.{name}"]}
    return msgspec.json.encode(request)
