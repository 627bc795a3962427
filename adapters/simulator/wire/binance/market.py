"""The market as Binance tells it: answers about it, and its streams.

Trades are numbered by symbol without a gap, as the exchange's own numbers are not; after a restart they go on
from a higher one.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec

from adapters.simulator.twins.exchange import TwinExchange, TwinTrade
from adapters.simulator.twins.sockets import Sockets, TwinSocket
from adapters.simulator.wire.binance import rows
from adapters.simulator.wire.binance.access import WEIGHT, Params
from adapters.simulator.wire.binance.orders import TRADING, SpotOrders
from adapters.simulator.wire.binance.refusals import SpotFault
from adapters.simulator.wire.binance.rows import Row
from engine.model.events import Quote
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe

_DEPTH = "depth@100ms"
_LEVELS = 100
"""Of each side of a book."""
_KEPT = 20_000
"""Trades of a symbol that can be asked for."""
_INTERVALS = {one.value: one for one in Timeframe if one not in (Timeframe.M2, Timeframe.M10)}


class MarketAnswers:
    """Queries that need no key."""

    def __init__(self, exchange: TwinExchange, orders: SpotOrders) -> None:
        self._exchange = exchange
        self._orders = orders
        first = exchange.now() // rows.MS
        self.on_depth: Callable[[Instrument], object] = self.changes
        """Asked before a book is shown: whoever follows its changes is told of them first."""
        self._books: dict[str, dict[tuple[str, int], int]] = {}
        """Sizes by side and price, the best first, of books that somebody has looked at."""
        self._numbers: dict[str, int] = {}
        self._next = dict.fromkeys(exchange.instruments, first)
        self._trades: dict[str, deque[tuple[int, TwinTrade]]] = {
            symbol: deque(maxlen=_KEPT) for symbol in exchange.instruments
        }

    def number(self, trade: TwinTrade) -> int:
        """The number of a trade in its symbol, given once to each in order."""
        symbol = trade.print.instrument
        number = self._next[symbol]
        self._next[symbol] = number + 1
        self._trades[symbol].append((number, trade))
        return number

    def newest(self, symbol: str) -> int:
        """The number of the newest trade of a symbol, or the one before its first."""
        return self._next[symbol] - 1

    def kept(self, symbol: str) -> list[tuple[int, TwinTrade]]:
        """Its trades that can be asked for, with their numbers, oldest first."""
        return list(self._trades[symbol])

    def exchange_info(self, params: Params) -> Row:
        names = json.loads(params["symbols"]) if "symbols" in params else None
        if "symbol" in params:
            names = [params["symbol"]]
        for name in names or ():
            if name not in self._exchange.by_root:
                raise SpotFault(-1121, "Invalid symbol.")
        status = self._orders.status
        return {
            "timezone": "UTC",
            "serverTime": self._exchange.now() // rows.MS,
            "rateLimits": [_rate("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT), _rate("ORDERS", "SECOND", 10, 50)],
            "exchangeFilters": [],
            "symbols": [
                rows.symbol(known, status.get(root, TRADING), self._orders.types)
                for root, known in self._exchange.by_root.items()
                if names is None or root in names
            ],
        }

    def klines(self, params: Params) -> list[list[object]]:
        known = self._orders.symbol(params)
        timeframe = _INTERVALS.get(params.get("interval", ""))
        if timeframe is None:
            raise SpotFault(-1120, "Invalid interval.")
        now, limit = self._exchange.now(), max(1, min(1000, int(params.get("limit", 500))))
        end = int(params["endTime"]) * rows.MS + 1 if "endTime" in params else now + 1
        start = (
            int(params["startTime"]) * rows.MS
            if "startTime" in params
            else max(0, end - limit * timeframe.nanos)
        )
        bars = self._exchange.bars(known.symbol, start, end, timeframe, forming=True)
        kept = bars[:limit] if "startTime" in params else bars[-limit:]
        return [rows.kline(known, bar) for bar in kept]

    def agg_trades(self, params: Params) -> list[Row]:
        known = self._orders.symbol(params)
        limit = max(1, min(1000, int(params.get("limit", 500))))
        found = list(self._trades[known.symbol])
        if "fromId" in params:
            first = int(params["fromId"])
            found = [one for one in found if one[0] >= first][:limit]
        return [rows.agg_trade(number, known, trade) for number, trade in found[-limit:]]

    def depth(self, params: Params) -> Row:
        known = self._orders.symbol(params)
        most = max(1, int(params.get("limit", 100)))
        self.on_depth(known)
        levels = {"b": list[list[str]](), "a": list[list[str]]()}
        for (side, price), size in self._books[known.symbol].items():
            levels[side].append([rows.price(known, price), rows.qty(known, size)])
        number = self._numbers.get(known.symbol, 0)
        return {"lastUpdateId": number, "bids": levels["b"][:most], "asks": levels["a"][:most]}

    def changes(self, known: Instrument) -> Row | None:
        """What of a book has changed since it was looked at last, numbered; None for nothing."""
        symbol = known.symbol
        bids, asks = self._exchange.depth(symbol, _LEVELS)
        now = {("b", one.price): one.size for one in bids} | {("a", one.price): one.size for one in asks}
        before = self._books.get(symbol, {})
        self._books[symbol] = now
        changed = {key: now.get(key, 0) for key in before | now if before.get(key) != now.get(key)}
        if not changed:
            return None
        first = self._numbers.setdefault(symbol, self._exchange.now() // rows.MS) + 1
        self._numbers[symbol] += len(changed)
        row: Row = {"U": first, "u": self._numbers[symbol], "b": [], "a": []}
        for (side, price), size in changed.items():
            row[side].append([rows.price(known, price), rows.qty(known, size)])
        return row

    def book_ticker(self, params: Params) -> Row:
        known = self._orders.symbol(params)
        prices = self._exchange.prices(known.symbol)
        bid, ask = self.sizes(known)
        return {
            "symbol": known.root,
            "bidPrice": rows.price(known, prices.bid),
            "bidQty": rows.qty(known, bid),
            "askPrice": rows.price(known, prices.ask),
            "askQty": rows.qty(known, ask),
        }

    def sizes(self, known: Instrument) -> tuple[int, int]:
        """Lots at the best bid and at the best ask."""
        bids, asks = self._exchange.depth(known.symbol, 1)
        return (bids[0].size, asks[0].size) if bids and asks else (0, 0)


class MarketEvents:
    """Streams of the market: aggTrade, trade, bookTicker, depth@100ms and kline_1m. One that does not exist
    is subscribed like any other, and tells nothing.
    """

    def __init__(self, exchange: TwinExchange, sockets: Sockets, answers: MarketAnswers) -> None:
        self._exchange = exchange
        self._sockets = sockets
        self._answers = answers
        self._updates = count(exchange.now() // rows.MS)
        answers.on_depth = self._tell_depth

    def subscribe(self, socket: TwinSocket, name: str) -> None:
        socket.topics.add(("market", name, bool(socket.data.get("combined"))))

    def leave(self, socket: TwinSocket, name: str) -> None:
        socket.topics.discard(("market", name, bool(socket.data.get("combined"))))

    def subscribed(self, socket: TwinSocket) -> list[str]:
        return sorted(
            str(topic[1]) for topic in socket.topics if isinstance(topic, tuple) and topic[0] == "market"
        )

    def on_quote(self, quote: Quote) -> None:
        known, number = self._exchange.instruments[quote.instrument], next(self._updates)
        self._publish(
            known,
            "bookTicker",
            "quotes",
            lambda: rows.book_ticker(number, known, quote, self._answers.sizes(known)),
        )

        if self._followed(known):
            self._tell_depth(known)

    def _followed(self, known: Instrument) -> bool:
        name = f"{known.root.lower()}@{_DEPTH}"
        return any(self._sockets.having(("market", name, combined)) for combined in (True, False))

    def _tell_depth(self, known: Instrument) -> None:
        row = self._answers.changes(known)
        if row is not None:
            head = {"e": "depthUpdate", "E": self._exchange.now() // rows.MS, "s": known.root}
            self._publish(known, _DEPTH, "depth", lambda: head | row)

    def on_trade(self, trade: TwinTrade) -> None:
        known = self._exchange.instruments[trade.print.instrument]
        number = self._answers.number(trade)
        row = rows.agg_trade(number, known, trade)
        head = {"E": self._exchange.now() // rows.MS, "s": known.root}
        self._publish(known, "aggTrade", "trades", lambda: {"e": "aggTrade", **head, **row})
        one = {"t": number, **{key: row[key] for key in ("p", "q", "T", "m", "M")}}
        self._publish(known, "trade", "trades", lambda: {"e": "trade", **head, **one})

    def on_bar(self, bar: Bar) -> None:
        known, now = self._exchange.instruments[bar.instrument], self._exchange.now()
        stream = f"kline_{bar.timeframe.value}"
        self._publish(known, stream, "klines", lambda: rows.stream_kline(known, bar, now, closed=True))

    def _publish(self, known: Instrument, kind: str, stream: str, row: Any) -> None:
        name = f"{known.root.lower()}@{kind}"
        self._sockets.publish(("market", name, False), stream, lambda: msgspec.json.encode(row()).decode())
        self._sockets.publish(
            ("market", name, True),
            stream,
            lambda: f'{{"stream":"{name}","data":{msgspec.json.encode(row()).decode()}}}',
        )


def _rate(kind: str, interval: str, number: int, limit: int) -> Row:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
