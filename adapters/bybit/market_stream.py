"""What one connection to Bybit's public stream carries: the top of each book, and the trades."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

import msgspec

from adapters.bybit import mapping
from adapters.bybit.config import BybitTiming
from adapters.bybit.mapping import BybitProduct
from adapters.bybit.wire import BybitBook, BybitTopic, BybitWireError, Trades, read
from adapters.common.anomalies import Anomalies
from adapters.common.json_link import Send, SocketClosed, SocketStream
from adapters.common.redaction import scrub
from engine.ports import Clock, Sink

_MOST_ARGS = 10
"""Topics in one request: more are refused on spot."""
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
    ) -> None:
        """`products` by the venue's name; of those that are `trading` silence is a fault."""
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

    def take(self, record: bytes) -> None:
        try:
            row = read(record, BybitTopic)
            if row.op:
                self._answered(row)
            elif row.topic.startswith("orderbook."):
                self._quote(row)
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
