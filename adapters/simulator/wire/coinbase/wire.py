"""Coinbase Advanced Trade around a twin: calls with a token each, the market stream, the user stream.

Rules: docs/protocols/coinbase.md. Records of a connection are counted over all its channels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.calls import TwinCalls
from adapters.simulator.twins.exchange import TwinExchange, TwinTrade
from adapters.simulator.twins.records import TwinOrder
from adapters.simulator.twins.sockets import Sockets, TwinSocket
from adapters.simulator.twins.trouble import Trouble, TroubleKind
from adapters.simulator.twins.wire import TwinWire
from adapters.simulator.wire.coinbase.looking import CoinbaseLooking, CoinbaseQueryError
from adapters.simulator.wire.coinbase.orders import CoinbaseRequests
from adapters.simulator.wire.coinbase.rows import Row, level_row, time_text, trade_row, user_row
from adapters.simulator.wire.coinbase.tokens import TokenError, account_of
from engine.model.events import Quote
from engine.model.instrument import Instrument
from engine.model.market import NANOS

BASE = "/api/v3/brokerage"
_FIRST_S = 5.0
"""A connection that has subscribed to nothing by then is closed, real seconds."""
_LEVELS = 25
_CALLS = {
    "/time": "time",
    "/market/products/{product}": "products",
    "/market/products/{product}/candles": "history",
    "/key_permissions": "key",
    "/accounts": "balances",
    "/orders/historical/batch": "orders",
    "/orders/historical/fills": "fills",
    "/orders/historical/{order}": "order",
    "/orders": "place",
    "/orders/edit": "modify",
    "/orders/batch_cancel": "cancel",
}
_CHANNELS = {"l2_data": "quotes", "market_trades": "trades", "user": "orders", "heartbeats": "heartbeats"}

Levels = dict[tuple[str, int], int]
"""Sizes by side and price, as a subscriber has been told."""
Answer = Callable[[web.Request], Row]


class CoinbaseWire(TwinWire):
    NAME: ClassVar[str] = "coinbase"
    CALLS: ClassVar[tuple[str, ...]] = tuple(_CALLS.values())
    STREAMS: ClassVar[tuple[str, ...]] = tuple(_CHANNELS.values())
    SOCKETS: ClassVar[tuple[str, ...]] = ("public", "private")

    def __init__(self, exchange: TwinExchange, sockets: Sockets, calls: TwinCalls) -> None:
        super().__init__(exchange, sockets, calls)
        self._looking = CoinbaseLooking(exchange)
        self._orders = CoinbaseRequests(exchange)
        self._books: dict[str, Levels] = {}
        """By symbol, as they were told last."""
        self._beat = exchange.now()
        self._beats = 0

    # -- calls --------------------------------------------------------------------------------------------

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        looking, orders = self._looking, self._orders
        yield web.get(f"{BASE}/time", self._open(lambda _request: looking.time()))
        yield web.get(
            f"{BASE}/market/products/{{product}}",
            self._open(lambda request: looking.product(request.match_info["product"])),
        )
        yield web.get(
            f"{BASE}/market/products/{{product}}/candles",
            self._open(lambda request: looking.candles(request.match_info["product"], request.query)),
        )
        asked: dict[str, Callable[[TwinAccount, web.Request], Row]] = {
            "/key_permissions": lambda account, request: looking.key(account, request.query),
            "/accounts": lambda account, request: looking.wallets(account, request.query),
            "/orders/historical/batch": lambda account, request: looking.orders(account, request.query),
            "/orders/historical/fills": lambda account, request: looking.fills(
                account, request.query, request.query.getall("order_ids", [])
            ),
            "/orders/historical/{order}": lambda account, request: looking.order(
                account, request.match_info["order"]
            ),
        }
        for path, ask in asked.items():
            yield web.get(BASE + path, self._signed(ask))
        acts = {"/orders": orders.create, "/orders/edit": orders.edit, "/orders/batch_cancel": orders.cancel}
        for path, act in acts.items():
            yield web.post(BASE + path, self._acting(act))
        yield web.get("/market", self._public)
        yield web.get("/user", self._private)

    def call_of(self, request: web.Request) -> str:
        resource = request.match_info.route.resource
        path = "" if resource is None else resource.canonical
        return _CALLS.get(path.removeprefix(BASE), "")

    def trouble(self, trouble: Trouble) -> web.Response:
        match trouble.kind:
            case TroubleKind.LIMITED:
                body = {"errors": [{"id": "rate_limit_exceeded", "message": "rate limit exceeded"}]}
                headers = {"x-ratelimit-reset": str(trouble.seconds)} if trouble.seconds else None
                return web.json_response(body, status=429, headers=headers)
            case TroubleKind.MAINTENANCE:
                return web.Response(status=503, text="maintenance")
        return _error(trouble.status, "REFUSED", trouble.text)

    def _open(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                return web.json_response(answer(request))
            except CoinbaseQueryError as error:
                return _error(error.status, "INVALID_ARGUMENT", str(error))

        return handle

    def _signed(
        self, ask: Callable[[TwinAccount, web.Request], Row]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                return web.json_response(ask(self._account(request), request))
            except TokenError as error:
                return _error(401, "Unauthorized", str(error))
            except CoinbaseQueryError as error:
                return _error(error.status, "INVALID_ARGUMENT", str(error))

        return handle

    def _acting(
        self, act: Callable[[TwinAccount, Mapping[str, Any]], Row]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            raw = await request.read()
            try:
                account = self._account(request)
                return web.json_response(act(account, msgspec.json.decode(raw, type=dict[str, Any])))
            except TokenError as error:
                return _error(401, "Unauthorized", str(error))
            except msgspec.MsgspecError as error:
                return _error(400, "INVALID_ARGUMENT", str(error))

        return handle

    def _account(self, request: web.Request) -> TwinAccount:
        """Whose token it is, which is for this call alone. Raises TokenError."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        uri = f"{request.method} {request.host}{request.path}"
        return account_of(token, uri, self.exchange.now() // NANOS, self.account_of)

    # -- sockets ------------------------------------------------------------------------------------------

    async def _public(self, request: web.Request) -> web.StreamResponse:
        return await self.sockets.serve(request, "public", self._on_text, self._begin)

    async def _private(self, request: web.Request) -> web.StreamResponse:
        return await self.sockets.serve(request, "private", self._on_text, self._begin)

    def _begin(self, socket: TwinSocket) -> None:
        socket.data["next"] = 0
        self.sockets.soon(self._idle(socket))

    async def _idle(self, socket: TwinSocket) -> None:
        """Who asks for nothing is sent away."""
        await asyncio.sleep(_FIRST_S)
        if not socket.topics:
            await socket.close(1008)

    def _on_text(self, socket: TwinSocket, text: str) -> None:
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.MsgspecError:
            self._refuse(socket, "failure to read the request")
            return
        channel = str(asked.get("channel"))
        if asked.get("type") != "subscribe" or channel not in (
            "heartbeats",
            "level2",
            "market_trades",
            "user",
        ):
            self._refuse(socket, f"unsupported request: {channel[:40]}")
            return
        if channel == "user" or asked.get("jwt"):
            try:
                token, now_s = str(asked.get("jwt")), self.exchange.now() // NANOS
                socket.account = account_of(token, "", now_s, self.account_of)
            except TokenError:
                self._refuse(socket, "authentication failure")
                return
        self._subscribe(socket, channel, [str(one) for one in asked.get("product_ids") or ()])

    def _subscribe(self, socket: TwinSocket, channel: str, product_ids: list[str]) -> None:
        known = self.exchange.by_root
        if channel in ("level2", "market_trades"):
            if not product_ids or any(one not in known for one in product_ids):
                self._refuse(socket, "invalid product_ids")
                return
            socket.topics |= {(channel, one) for one in product_ids}
        elif channel == "user" and socket.account is not None:
            socket.topics.add(("user", socket.account.name))
        else:
            socket.topics.add((channel, ""))
        self._say(socket, "subscriptions", [{"subscriptions": {channel: product_ids}}])
        for one in product_ids:
            if channel == "level2":
                self._say(socket, "l2_data", [self._snapshot(known[one])])
            elif channel == "market_trades":
                rows = [trade_row(trade, known[one]) for trade in self.exchange.trades(known[one].symbol)]
                self._say(socket, "market_trades", [{"type": "snapshot", "trades": rows[::-1]}])
        if channel == "user" and socket.account is not None:
            rows = [self._user_row(order) for order in socket.account.live()]
            self._say(socket, "user", [{"type": "snapshot", "orders": rows}])

    def _refuse(self, socket: TwinSocket, message: str) -> None:
        socket.answer(msgspec.json.encode({"type": "error", "message": message}).decode())

    def _say(self, socket: TwinSocket, channel: str, events: list[Row]) -> None:
        """Send a record, counted before anything can happen to it: one that gets lost leaves a gap."""
        number = socket.data["next"]
        socket.data["next"] = number + 1
        record = {
            "channel": channel,
            "client_id": "",
            "timestamp": time_text(self.exchange.now()),
            "sequence_num": number,
            "events": events,
        }
        text = msgspec.json.encode(record).decode()
        stream = _CHANNELS.get(channel)
        if stream is None:
            socket.answer(text)
        else:
            self.sockets.send(socket, stream, text)

    # -- what happens -------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        instrument = self.exchange.instruments[quote.instrument]
        before, now = self._books.get(instrument.symbol, {}), self._levels(instrument)
        self._books[instrument.symbol] = now
        ts = self.exchange.now()
        changed = {
            key: now.get(key, 0) for key in before.keys() | now.keys() if before.get(key) != now.get(key)
        }
        rows = [
            level_row(side, price, size, instrument, ts) for (side, price), size in sorted(changed.items())
        ]
        if not rows:
            return
        event = {"type": "update", "product_id": instrument.root, "updates": rows}
        for socket in self.sockets.having(("level2", instrument.root)):
            self._say(socket, "l2_data", [event])

    def on_trade(self, trade: TwinTrade) -> None:
        instrument = self.exchange.instruments[trade.print.instrument]
        event = {"type": "update", "trades": [trade_row(trade, instrument)]}
        for socket in self.sockets.having(("market_trades", instrument.root)):
            self._say(socket, "market_trades", [event])

    def on_order(self, account: TwinAccount, order: TwinOrder) -> None:
        event = {"type": "update", "orders": [self._user_row(order)]}
        for socket in self.sockets.having(("user", account.name)):
            self._say(socket, "user", [event])

    def flush(self) -> None:
        """Heartbeats, each second."""
        now = self.exchange.now()
        if now - self._beat < NANOS:
            return
        self._beat = now
        self._beats += 1
        event = {"current_time": time_text(now), "heartbeat_counter": self._beats}
        for socket in self.sockets.having(("heartbeats", "")):
            self._say(socket, "heartbeats", [event])

    def _user_row(self, order: TwinOrder) -> Row:
        return user_row(order, self.exchange.instruments[order.order.instrument])

    def _snapshot(self, instrument: Instrument) -> Row:
        levels = self._books[instrument.symbol] = self._levels(instrument)
        ts = self.exchange.now()
        rows = [level_row(side, price, size, instrument, ts) for (side, price), size in levels.items()]
        return {"type": "snapshot", "product_id": instrument.root, "updates": rows}

    def _levels(self, instrument: Instrument) -> Levels:
        bids, asks = self.exchange.depth(instrument.symbol, _LEVELS)
        return {("bid", one.price): one.size for one in bids} | {
            ("offer", one.price): one.size for one in asks
        }


def _error(status: int, error: str, message: str) -> web.Response:
    return web.json_response({"error": error, "message": message, "error_details": message}, status=status)
