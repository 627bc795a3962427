"""The public channels of v2: products, books with their checksum, trades, tickers, candles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from zlib import crc32

from adapters.simulator.market.depth import BookLevel
from adapters.simulator.twins.exchange import TwinExchange, TwinTrade
from adapters.simulator.twins.sockets import Sockets, TwinSocket
from adapters.simulator.wire.kraken import rows
from adapters.simulator.wire.kraken.rows import Json
from engine.model.events import Quote
from engine.model.instrument import Instrument
from engine.model.market import Timeframe

DEPTHS = (10, 25, 100, 500, 1000)
INTERVALS = {
    1: Timeframe.M1,
    5: Timeframe.M5,
    15: Timeframe.M15,
    30: Timeframe.M30,
    60: Timeframe.H1,
    240: Timeframe.H4,
}
_SHOWN_BARS = 500
_LEAST_LOTS = 1
_CHECKED = 10
_MOST_LEVELS = 100

Levels = dict[int, int]
"""Lots by price in ticks, best first."""


class Refused(Exception):
    """A request that is answered with this text."""


class ShownBook:
    """One product's book of a depth as subscribers have it."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.bids: Levels = {}
        self.asks: Levels = {}

    def take(self, bids: Iterable[BookLevel], asks: Iterable[BookLevel]) -> Json:
        """Show these levels instead; gives what has changed. What falls off the end gets no 0."""
        changed = {}
        for name, old, new in (
            ("bids", self.bids, {one.price: one.size for one in bids}),
            ("asks", self.asks, {one.price: one.size for one in asks}),
        ):
            news = {price: size for price, size in new.items() if old.get(price) != size}
            worst = (min if name == "bids" else max)(new, default=0)
            inside = (price for price in old.keys() - new.keys() if new)
            gone = (price for price in inside if (price > worst if name == "bids" else price < worst))
            changed[name] = self._rows(news | dict.fromkeys(gone, 0))
            setattr(self, name, new)
        return changed

    def whole(self) -> Json:
        return {"bids": self._rows(self.bids), "asks": self._rows(self.asks)}

    def checksum(self) -> int:
        """Of the ten best of each side, asks first, as the numbers are written."""
        text = "".join(
            f"{rows.price(self._instrument, price)}".replace(".", "").lstrip("0")
            + f"{rows.quantity(self._instrument, size)}".replace(".", "").lstrip("0")
            for side in (self.asks, self.bids)
            for price, size in list(side.items())[:_CHECKED]
        )
        return crc32(text.encode())

    def _rows(self, levels: Mapping[int, int]) -> list[Json]:
        known = self._instrument
        return [
            {"price": rows.price(known, price), "qty": rows.quantity(known, size)}
            for price, size in levels.items()
        ]


class PublicSide:
    """What subscribers of public channels are told."""

    def __init__(self, exchange: TwinExchange, sockets: Sockets) -> None:
        self._exchange = exchange
        self._sockets = sockets
        self._books: dict[tuple[str, int], ShownBook] = {}
        self.spoil_checksums = 0
        """So many updates of books carry a wrong checksum; -1: all of them."""
        self.status: dict[str, str] = {}
        """Of products that are not online, by the venue's symbol."""

    def subscribe(self, socket: TwinSocket, params: Json) -> Iterable[tuple[Json, Callable[[], None] | None]]:
        """(Result, what to show then) of each symbol that was asked for. Raises Refused."""
        channel = params.get("channel")
        if channel == "instrument":
            socket.topics.add(("instrument",))
            yield {"channel": channel}, lambda: self._products(socket)
            return
        for symbol in params.get("symbol") or ():
            instrument = self._exchange.by_root.get(str(symbol).upper())
            if instrument is None:
                raise Refused(f"Currency pair not supported {symbol}")
            topic, show = self._topic(socket, params, instrument)
            if topic in socket.topics:
                raise Refused(f"Already subscribed to {channel} on {symbol}")
            socket.topics.add(topic)
            wanted = params.get("snapshot", channel != "trade")
            yield {"channel": channel, "symbol": instrument.root}, show if wanted else None

    def unsubscribe(self, socket: TwinSocket, params: Json) -> Iterable[Json]:
        """Raises Refused."""
        for symbol in params.get("symbol") or ():
            instrument = self._exchange.by_root.get(str(symbol).upper())
            if instrument is None:
                raise Refused(f"Currency pair not supported {symbol}")
            topic, _ = self._topic(socket, params, instrument)
            if topic not in socket.topics:
                raise Refused("Subscription Not Found")
            socket.topics.discard(topic)
            yield {"channel": params.get("channel"), "symbol": instrument.root}

    def _topic(
        self, socket: TwinSocket, params: Json, instrument: Instrument
    ) -> tuple[tuple[object, ...], Callable[[], None]]:
        symbol = instrument.symbol
        match params.get("channel"):
            case "book":
                depth = params.get("depth", DEPTHS[0])
                if depth not in DEPTHS:
                    raise Refused("Subscription depth not supported")
                return ("book", symbol, depth), lambda: self._show_book(socket, instrument, depth)
            case "trade":
                return ("trade", symbol), lambda: self._show_trades(socket, instrument)
            case "ticker":
                return ("ticker", symbol), lambda: self._show_ticker(socket, instrument)
            case "ohlc":
                minutes = params.get("interval", 1)
                if minutes not in INTERVALS:
                    raise Refused("Subscription ohlc interval not supported")
                return ("ohlc", symbol, minutes), lambda: self._show_candles(socket, instrument, minutes)
        raise Refused("Subscription name invalid")

    # -- what happens ----------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        instrument = self._exchange.instruments[quote.instrument]
        for depth in DEPTHS:
            topic = ("book", instrument.symbol, depth)
            if not self._sockets.having(topic):
                self._books.pop((instrument.symbol, depth), None)
                continue
            changed = self._book(instrument, depth).take(*self._levels(instrument, depth))
            if changed["bids"] or changed["asks"]:
                self._sockets.publish(topic, "book", self._book_text("update", instrument, depth, changed))

    def on_trade(self, trade: TwinTrade) -> None:
        symbol = trade.print.instrument
        instrument = self._exchange.instruments[symbol]
        self._sockets.publish(
            ("trade", symbol), "trades", lambda: _text("trade", "update", [self._trade(trade)])
        )
        self._sockets.publish(
            ("ticker", symbol), "ticker", lambda: _text("ticker", "update", [self._ticker(instrument)])
        )
        for minutes, timeframe in INTERVALS.items():
            self._sockets.publish(
                ("ohlc", symbol, minutes),
                "candles",
                lambda m=minutes, t=timeframe: _text(  # type: ignore[misc]
                    "ohlc", "update", self._candles(instrument, m, t, 1)
                ),
            )

    def set_status(self, root: str, status: str) -> None:
        """A product is paused, delisted, or online again."""
        self.status[root] = status
        data = {"assets": [], "pairs": [self._pair(self._exchange.by_root[root])]}
        self._sockets.publish(
            ("instrument",),
            "instruments",
            lambda: rows.encode({"channel": "instrument", "type": "update", "data": data}),
        )

    # -- snapshots -------------------------------------------------------------------------------------------

    def _products(self, socket: TwinSocket) -> None:
        pairs = [self._pair(one) for one in self._exchange.by_root.values()]
        message = {"channel": "instrument", "type": "snapshot", "data": {"assets": [], "pairs": pairs}}
        self._sockets.send(socket, "instruments", rows.encode(message))

    def _pair(self, instrument: Instrument) -> Json:
        row = rows.pair(instrument, _LEAST_LOTS)
        return row | {"status": self.status.get(instrument.root, "online")}

    def _show_book(self, socket: TwinSocket, instrument: Instrument, depth: int) -> None:
        book = self._book(instrument, depth)
        book.take(*self._levels(instrument, depth))
        text = self._book_text("snapshot", instrument, depth, book.whole())
        self._sockets.send(socket, "book", text)

    def _show_trades(self, socket: TwinSocket, instrument: Instrument) -> None:
        told = [self._trade(one) for one in self._exchange.trades(instrument.symbol, 50)]
        self._sockets.send(socket, "trades", _text("trade", "snapshot", told))

    def _show_ticker(self, socket: TwinSocket, instrument: Instrument) -> None:
        self._sockets.send(socket, "ticker", _text("ticker", "snapshot", [self._ticker(instrument)]))

    def _show_candles(self, socket: TwinSocket, instrument: Instrument, minutes: int) -> None:
        found = self._candles(instrument, minutes, INTERVALS[minutes], _SHOWN_BARS)
        self._sockets.send(socket, "candles", _text("ohlc", "snapshot", found))

    # -- rows ------------------------------------------------------------------------------------------------

    def _book(self, instrument: Instrument, depth: int) -> ShownBook:
        return self._books.setdefault((instrument.symbol, depth), ShownBook(instrument))

    def _levels(self, instrument: Instrument, depth: int) -> tuple[Iterable[BookLevel], Iterable[BookLevel]]:
        return self._exchange.depth(instrument.symbol, min(depth, _MOST_LEVELS))

    def _book_text(self, kind: str, instrument: Instrument, depth: int, levels: Json) -> str:
        checksum = self._book(instrument, depth).checksum()
        if self.spoil_checksums:
            self.spoil_checksums -= self.spoil_checksums > 0
            checksum ^= 1
        row = {"symbol": instrument.root, **levels, "checksum": checksum}
        return _text("book", kind, [row | {"timestamp": rows.stamp(self._exchange.now())}])

    def _trade(self, trade: TwinTrade) -> Json:
        told, known = trade.print, self._exchange.instruments[trade.print.instrument]
        return {
            "symbol": known.root,
            "side": "buy" if told.aggressor is None else told.aggressor.value,
            "price": rows.price(known, told.price),
            "qty": rows.quantity(known, told.size),
            "ord_type": "market",
            "trade_id": trade.id,
            "timestamp": rows.stamp(told.ts_venue),
        }

    def _ticker(self, instrument: Instrument) -> Json:
        prices = self._exchange.prices(instrument.symbol)
        row: Json = {"symbol": instrument.root, "timestamp": rows.stamp(self._exchange.now())}
        for name, ticks in (("bid", prices.bid), ("ask", prices.ask), ("last", prices.last)):
            if ticks is not None:
                row[name] = rows.price(instrument, ticks)
        return row

    def _candles(self, instrument: Instrument, minutes: int, timeframe: Timeframe, most: int) -> list[Json]:
        now = self._exchange.now()
        start = now - now % timeframe.nanos - (most - 1) * timeframe.nanos
        return [
            {
                "symbol": instrument.root,
                "interval": minutes,
                "interval_begin": rows.stamp(bar.open_ts),
                "open": rows.price(instrument, bar.open),
                "high": rows.price(instrument, bar.high),
                "low": rows.price(instrument, bar.low),
                "close": rows.price(instrument, bar.close),
                "volume": rows.quantity(instrument, bar.volume),
            }
            for bar in self._exchange.bars(instrument.symbol, start, now + 1, timeframe, forming=True)
        ]


def _text(channel: str, kind: str, data: list[Json]) -> str:
    return rows.encode({"channel": channel, "type": kind, "data": data})
