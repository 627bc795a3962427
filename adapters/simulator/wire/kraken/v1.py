"""The old public feed and its REST: products, candles, books counted by their messages, trades."""

from __future__ import annotations

import uuid

import msgspec
from aiohttp import web

from adapters.simulator.twins.exchange import TwinExchange, TwinTrade
from adapters.simulator.twins.sockets import Sockets, TwinSocket
from adapters.simulator.wire.kraken import rows
from adapters.simulator.wire.kraken.market import ShownBook
from adapters.simulator.wire.kraken.rows import Json
from engine.model.events import Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Timeframe

RESOLUTIONS = {
    "1m": Timeframe.M1,
    "5m": Timeframe.M5,
    "15m": Timeframe.M15,
    "30m": Timeframe.M30,
    "1h": Timeframe.H1,
    "4h": Timeframe.H4,
}
PAGE = 2_000
"""Candles of one answer."""
FEEDS = ("book", "trade", "ticker", "heartbeat")
_MILLI = 1_000_000
_DEPTH = 50
_SHOWN_TRADES = 100


class OldSide:
    """v1 as subscribers have it. One message a level, numbered by product."""

    def __init__(self, exchange: TwinExchange, sockets: Sockets) -> None:
        self._exchange = exchange
        self._sockets = sockets
        self._books = {symbol: ShownBook(one) for symbol, one in exchange.instruments.items()}
        self._seq = dict.fromkeys(exchange.instruments, 1)

    # -- REST ------------------------------------------------------------------------------------------------

    def instruments(self) -> Json:
        return {
            "result": "success",
            "serverTime": rows.stamp(self._exchange.now()),
            "instruments": [
                {
                    "symbol": one.root,
                    "type": "flexible_futures",
                    "tickSize": one.tick_size,
                    "contractSize": 1,
                    "tradeable": True,
                    "contractValueTradePrecision": rows.digits(one)[1],
                    "postOnly": False,
                    "base": one.base,
                    "quote": one.currency,
                }
                for one in self._exchange.by_root.values()
            ],
        }

    def candles(self, request: web.Request) -> web.Response:
        """Oldest first from `from` on, at most a page; seconds in the query, milliseconds in bars."""
        instrument = self._exchange.by_root.get(request.match_info["symbol"].upper())
        timeframe = RESOLUTIONS.get(request.match_info["resolution"])
        if instrument is None or timeframe is None:
            return web.Response(status=404, text="no such market")
        now = self._exchange.now()
        try:
            start = int(request.query.get("from", now // NANOS - 60 * 2000)) * NANOS
            end = int(request.query.get("to", now // NANOS + 1)) * NANOS
        except ValueError:
            return web.Response(status=400, text="times are whole seconds")
        found = self._exchange.bars(instrument.symbol, start, end + MINUTE, timeframe, forming=True)
        found = [bar for bar in found if start <= bar.open_ts <= end]
        page = [
            {
                "time": bar.open_ts // _MILLI,
                "open": instrument.text(bar.open),
                "high": instrument.text(bar.high),
                "low": instrument.text(bar.low),
                "close": instrument.text(bar.close),
                "volume": instrument.qty_text(bar.volume),
            }
            for bar in found[:PAGE]
        ]
        body = {"candles": page, "more_candles": len(found) > PAGE}
        return web.Response(text=rows.encode(body), content_type="application/json")

    # -- socket ----------------------------------------------------------------------------------------------

    def opened(self, socket: TwinSocket) -> None:
        socket.answer('{"event":"info","version":1}')

    def take(self, socket: TwinSocket, text: str) -> None:
        """A request; what is none is answered with an alert."""
        try:
            asked = msgspec.json.decode(text, type=dict[str, object])
        except msgspec.MsgspecError:
            return self._alert(socket, "Bad websocket message")
        event, feed, products = asked.get("event"), asked.get("feed"), asked.get("product_ids")
        if event not in ("subscribe", "unsubscribe"):
            return self._alert(socket, "Bad websocket message")
        if feed not in FEEDS:
            return self._alert(socket, "Invalid feed")
        if feed == "heartbeat":
            socket.topics.add(("v1", feed))
            return socket.answer(f'{{"event":"{event}d","feed":"heartbeat"}}')
        for name in products if isinstance(products, list) else ():
            instrument = self._exchange.by_root.get(str(name).upper())
            if instrument is None:
                self._alert(socket, f"Couldn't subscribe to invalid product `{name}`")
                continue
            self._one(socket, str(event), str(feed), instrument)
        return None

    def _one(self, socket: TwinSocket, event: str, feed: str, instrument: Instrument) -> None:
        topic = ("v1", feed, instrument.symbol)
        if event == "unsubscribe":
            socket.topics.discard(topic)
        elif topic in socket.topics:
            return self._alert(socket, "Already subscribed to feed, re-requesting")
        else:
            socket.topics.add(topic)
        ack = {"event": f"{event}d", "feed": feed, "product_ids": [instrument.root]}
        socket.answer(rows.encode(ack))
        if event == "subscribe":
            if feed == "book":
                self._sockets.send(socket, "book", rows.encode(self._whole_book(instrument)))
            elif feed == "trade":
                self._sockets.send(socket, "trades", rows.encode(self._past_trades(instrument)))
        return None

    def _alert(self, socket: TwinSocket, message: str) -> None:
        socket.answer(rows.encode({"event": "alert", "message": message}))

    def beat(self) -> None:
        text = rows.encode({"feed": "heartbeat", "time": self._exchange.now() // _MILLI})
        self._sockets.publish(("v1", "heartbeat"), "heartbeat", text)

    # -- what happens ----------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        symbol = quote.instrument
        instrument = self._exchange.instruments[symbol]
        changed = self._books[symbol].take(*self._exchange.depth(symbol, _DEPTH))
        for name, side in (("bids", "buy"), ("asks", "sell")):
            for level in changed[name]:
                self._seq[symbol] += 1
                row = {"feed": "book", "product_id": instrument.root, "side": side, "seq": self._seq[symbol]}
                row |= {**level, "timestamp": self._exchange.now() // _MILLI}
                self._sockets.publish(("v1", "book", symbol), "book", rows.encode(row))

    def on_trade(self, trade: TwinTrade) -> None:
        topic = ("v1", "trade", trade.print.instrument)
        self._sockets.publish(topic, "trades", lambda: rows.encode(self._trade(trade)))

    def _whole_book(self, instrument: Instrument) -> Json:
        book = self._books[instrument.symbol]
        if not book.bids:
            book.take(*self._exchange.depth(instrument.symbol, _DEPTH))
        return {
            "feed": "book_snapshot",
            "product_id": instrument.root,
            "timestamp": self._exchange.now() // _MILLI,
            "seq": self._seq[instrument.symbol],
            "tickSize": None,
            **book.whole(),
        }

    def _past_trades(self, instrument: Instrument) -> Json:
        told = self._exchange.trades(instrument.symbol, _SHOWN_TRADES)
        past = [self._trade(one) for one in reversed(told)]
        return {"feed": "trade_snapshot", "product_id": instrument.root, "trades": past}

    def _trade(self, trade: TwinTrade) -> Json:
        told, known = trade.print, self._exchange.instruments[trade.print.instrument]
        return {
            "feed": "trade",
            "product_id": known.root,
            "uid": str(uuid.UUID(int=trade.id)),
            "side": "buy" if told.aggressor is None else told.aggressor.value,
            "type": "fill",
            "seq": trade.id,
            "time": told.ts_venue // _MILLI,
            "qty": rows.quantity(known, told.size),
            "price": rows.price(known, told.price),
        }
