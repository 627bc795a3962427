"""Binance spot around a twin: REST under /api/v3, market streams, and the WebSocket API.

What it does not play: order types other than limit, limit maker, market and stop (a stop-limit trades as a
stop at market), and books by stream.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

import msgspec
from aiohttp import web

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.calls import TwinCalls, spoiled
from adapters.simulator.twins.exchange import TwinExchange, TwinTrade
from adapters.simulator.twins.records import TwinFill, TwinOrder
from adapters.simulator.twins.sockets import Sockets, TwinSocket
from adapters.simulator.twins.trouble import NoAnswer, Trouble
from adapters.simulator.twins.wire import TwinWire
from adapters.simulator.wire.binance import rows
from adapters.simulator.wire.binance.access import Params, SpotGate
from adapters.simulator.wire.binance.account_events import AccountEvents
from adapters.simulator.wire.binance.market import MarketAnswers, MarketEvents
from adapters.simulator.wire.binance.orders import SpotOrders
from adapters.simulator.wire.binance.refusals import SpotFault, of_trouble
from engine.model.events import Quote
from engine.model.market import Bar

Private = Callable[[TwinAccount, Params], Awaitable[Any]]
Public = Callable[[Params], Any]


class SpotEndpoint(NamedTuple):
    """A call under its name for faults."""

    name: str
    verb: str
    path: str
    weight: int
    method: str = ""
    """Its name in the WebSocket API, where that has it."""
    signed: bool = False


_V3 = "/api/v3"
ENDPOINTS = (
    SpotEndpoint("ping", "GET", "/ping", 1, "ping"),
    SpotEndpoint("time", "GET", "/time", 1, "time"),
    SpotEndpoint("exchange_info", "GET", "/exchangeInfo", 20, "exchangeInfo"),
    SpotEndpoint("klines", "GET", "/klines", 2, "klines"),
    SpotEndpoint("agg_trades", "GET", "/aggTrades", 4, "trades.aggregate"),
    SpotEndpoint("depth", "GET", "/depth", 5, "depth"),
    SpotEndpoint("book_ticker", "GET", "/ticker/bookTicker", 2, "ticker.book"),
    SpotEndpoint("account", "GET", "/account", 20, "account.status", True),
    SpotEndpoint("open_orders", "GET", "/openOrders", 6, "openOrders.status", True),
    SpotEndpoint("all_orders", "GET", "/allOrders", 20, "allOrders", True),
    SpotEndpoint("my_trades", "GET", "/myTrades", 20, "myTrades", True),
    SpotEndpoint("order", "GET", "/order", 4, "order.status", True),
    SpotEndpoint("place", "POST", "/order", 1, "order.place", True),
    SpotEndpoint("test", "POST", "/order/test", 1, "order.test", True),
    SpotEndpoint("replace", "POST", "/order/cancelReplace", 1, "order.cancelReplace", True),
    SpotEndpoint("cancel", "DELETE", "/order", 1, "order.cancel", True),
    SpotEndpoint("cancel_all", "DELETE", "/openOrders", 1, "openOrders.cancelAll", True),
    SpotEndpoint("oco", "POST", "/orderList/oco", 1, "orderList.place.oco", True),
    SpotEndpoint("cancel_list", "DELETE", "/orderList", 1, "orderList.cancel", True),
)
_BY_REST = {(one.verb, f"{_V3}{one.path}"): one for one in ENDPOINTS}
_BY_METHOD = {one.method: one for one in ENDPOINTS if one.method}
_SUBSCRIBE = "userDataStream.subscribe.signature"
_GONE = ("userDataStream.start", "userDataStream.ping", "userDataStream.stop")
_DAY_S = 86_400.0


class BinanceWire(TwinWire):
    NAME = "binance"
    CALLS = (*(one.name for one in ENDPOINTS), "subscribe")
    STREAMS = ("trades", "quotes", "depth", "klines", "orders", "lists", "balances")
    SOCKETS = ("streams", "account")
    LIFE_S: ClassVar[float] = _DAY_S
    """A connection lives no longer, seconds of practice time."""
    PING_S: ClassVar[float] = 20.0
    """Between two pings of the server, real seconds."""
    LEAVE_S: ClassVar[float] = 2.0
    """Between the word that the server goes and its going."""

    def __init__(self, exchange: TwinExchange, sockets: Sockets, calls: TwinCalls) -> None:
        super().__init__(exchange, sockets, calls)
        self.gate = SpotGate(self.account_of, exchange.now)
        self.orders = SpotOrders(exchange)
        self.market = MarketAnswers(exchange, self.orders)
        self._events = MarketEvents(exchange, sockets, self.market)
        self._account_events = AccountEvents(exchange, sockets, self.orders)
        self._public: Mapping[str, Public] = {
            "ping": lambda _: {},
            "time": lambda _: {"serverTime": exchange.now() // rows.MS},
            "exchange_info": self.market.exchange_info,
            "klines": self.market.klines,
            "agg_trades": self.market.agg_trades,
            "depth": self.market.depth,
            "book_ticker": self.market.book_ticker,
        }
        orders = self.orders
        self._private: Mapping[str, Private] = {
            "account": orders.account,
            "open_orders": orders.open_orders,
            "all_orders": orders.all_orders,
            "my_trades": orders.my_trades,
            "order": orders.order,
            "place": orders.place,
            "test": orders.test,
            "replace": orders.replace,
            "cancel": orders.cancel,
            "cancel_all": orders.cancel_all,
            "oco": orders.place_oco,
            "cancel_list": orders.cancel_list,
        }

    # -- REST --------------------------------------------------------------------------------------------

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get("/stream", self._streams),
            web.get("/ws/{stream:.*}", self._streams),
            web.get("/ws", self._streams),
            web.get("/ws-api/v3", self._socket_api),
            web.route("*", "/{path:.*}", self._rest),
        ]

    def call_of(self, request: web.Request) -> str:
        found = _BY_REST.get((request.method, request.path))
        return "" if found is None else found.name

    def trouble(self, trouble: Trouble) -> web.Response:
        return self._failed(of_trouble(trouble))

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        endpoint = _BY_REST.get((request.method, request.path))
        try:
            if endpoint is None:
                if request.path == f"{_V3}/userDataStream":
                    raise SpotFault(-1000, "This endpoint has been removed.", 410)
                raise SpotFault(-1000, "Path not found.", 404)
            self.gate.charge(endpoint.weight)
            body = (await request.read()).decode()
            payload = request.rel_url.raw_query_string + body
            if endpoint.signed:
                account = self.gate.key_of(request.headers.get("X-MBX-APIKEY", ""))
                answer = await self._do(
                    self._private[endpoint.name], account, self.gate.signed(account, payload)
                )
            else:
                answer = self._ask(endpoint, dict(request.query))
        except SpotFault as fault:
            return self._failed(fault)
        return web.Response(
            body=msgspec.json.encode(answer),
            content_type="application/json",
            headers={"x-mbx-used-weight-1m": f"{self.gate.used}"},
        )

    def _failed(self, fault: SpotFault) -> web.Response:
        headers = {"x-mbx-used-weight-1m": f"{self.gate.used}"}
        if fault.seconds:
            headers["Retry-After"] = f"{fault.seconds}"
        return web.Response(
            status=fault.status,
            body=msgspec.json.encode(fault.body()),
            content_type="application/json",
            headers=headers,
        )

    def _ask(self, endpoint: SpotEndpoint, params: Params) -> Any:
        return _checked(lambda: self._public[endpoint.name](params))

    async def _do(self, work: Private, account: TwinAccount, params: Params) -> Any:
        try:
            return await work(account, params)
        except (ValueError, KeyError) as error:
            raise SpotFault(-1100, f"Illegal characters found in a parameter: {error}"[:120]) from None

    # -- market streams ----------------------------------------------------------------------------------

    async def _streams(self, request: web.Request) -> web.StreamResponse:
        asked = request.query.get("streams", "") or request.match_info.get("stream", "")
        names = [name for name in asked.split("/") if name]

        def opened(socket: TwinSocket) -> None:
            socket.data["combined"] = request.path == "/stream"
            for name in names:
                self._events.subscribe(socket, name)
            self._ends(socket)

        return await self.sockets.serve(request, "streams", self._on_streams, opened, self.PING_S)

    def _on_streams(self, socket: TwinSocket, text: str) -> None:
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            socket.answer(msgspec.json.encode({"code": 3, "msg": f"Invalid JSON: {error}"}).decode())
            return
        number, method, params = asked.get("id"), asked.get("method"), asked.get("params", [])
        result: list[str] | None = None
        if method == "LIST_SUBSCRIPTIONS":
            result = self._events.subscribed(socket)
        elif method in ("SUBSCRIBE", "UNSUBSCRIBE") and isinstance(params, list):
            for name in params:
                (self._events.subscribe if method == "SUBSCRIBE" else self._events.leave)(socket, str(name))
        else:
            words = f"Invalid request: unknown variant `{method}`"
            socket.answer(msgspec.json.encode({"code": 2, "msg": words, "id": number}).decode())
            return
        socket.answer(msgspec.json.encode({"result": result, "id": number}).decode())

    # -- the WebSocket API -------------------------------------------------------------------------------

    async def _socket_api(self, request: web.Request) -> web.StreamResponse:
        return await self.sockets.serve(request, "account", self._on_socket_api, self._ends, self.PING_S)

    def _on_socket_api(self, socket: TwinSocket, text: str) -> None:
        self.sockets.soon(self._answer(socket, text))

    async def _answer(self, socket: TwinSocket, text: str) -> None:
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
            number, method, params = asked.get("id"), str(asked.get("method", "")), asked.get("params", {})
        except msgspec.MsgspecError:
            number, method, params = None, "", {}
        endpoint = _BY_METHOD.get(method)

        def failed(fault: SpotFault) -> str:
            error = fault.body()
            if fault.seconds:
                error["data"] = {"retryAfter": self.exchange.now() // rows.MS + fault.seconds * 1000}
            return msgspec.json.encode({"id": number, "status": fault.status, "error": error}).decode()

        async def handle() -> str:
            self.exchange.catch_up()
            try:
                result = await self._method(socket, method, endpoint, params)
            except SpotFault as fault:
                return failed(fault)
            return msgspec.json.encode(
                {"id": number, "status": 200, "result": result, "rateLimits": []}
            ).decode()

        name = "subscribe" if method == _SUBSCRIBE else "" if endpoint is None else endpoint.name
        answer = await self._calls.run(name, handle, lambda t: failed(of_trouble(t)), spoiled)
        if answer is NoAnswer.CUT:
            socket.reset()
        elif isinstance(answer, str):
            socket.answer(answer)

    async def _method(
        self, socket: TwinSocket, method: str, endpoint: SpotEndpoint | None, params: Any
    ) -> Any:
        """Raises SpotFault."""
        if method in _GONE:
            raise SpotFault(-1000, "This method has been removed.", 410)
        if not isinstance(params, dict):
            raise SpotFault(-1100, "Illegal characters found in parameter 'params'.")
        if method == _SUBSCRIBE:
            self.gate.charge(2)
            account, _ = self.gate.signed_socket(params)
            return {"subscriptionId": self._account_events.subscribe(socket, account)}
        if method == "session.subscriptions":
            return self._account_events.subscribed(socket)
        if method == "userDataStream.unsubscribe":
            return self._account_events.leave(socket)
        if endpoint is None:
            raise SpotFault(-1000, f"Unknown method {method[:40]}.")
        self.gate.charge(endpoint.weight)
        if endpoint.signed:
            account, told = self.gate.signed_socket(params)
            return await self._do(self._private[endpoint.name], account, told)
        told = {
            key: v if isinstance(v, str) else msgspec.json.encode(v).decode() for key, v in params.items()
        }
        return self._ask(endpoint, told)

    # -- connections -------------------------------------------------------------------------------------

    def _ends(self, socket: TwinSocket) -> None:
        """Its life is over after a day."""
        self.exchange.schedule.call_after(self.LIFE_S, lambda: self._close(socket))

    def _close(self, socket: TwinSocket) -> None:
        if not socket.over:
            self.sockets.soon(socket.close(1008, "disconnected after 24 hours"))

    def shut_down(self) -> None:
        """The server goes: every connection is told, and ends a moment later."""
        now = self.exchange.now() // rows.MS
        for socket in tuple(self.sockets.open):
            event: dict[str, Any] = {"e": "serverShutdown", "E": now}
            if socket.kind == "account":
                event = {"event": event}
            elif socket.data.get("combined"):
                event = {"stream": "!serverShutdown", "data": event}
            socket.answer(msgspec.json.encode(event).decode())
            self.exchange.schedule.call_after(self.LEAVE_S, lambda one=socket: self._close(one))  # type: ignore[misc]

    # -- what happens ------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        self._events.on_quote(quote)

    def on_trade(self, trade: TwinTrade) -> None:
        self._events.on_trade(trade)

    def on_bar(self, bar: Bar) -> None:
        self._events.on_bar(bar)

    def on_order(self, account: TwinAccount, order: TwinOrder) -> None:
        self._account_events.on_order(account, order)

    def on_fill(self, account: TwinAccount, fill: TwinFill) -> None:
        self._account_events.on_fill(account, fill)


def _checked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except (ValueError, KeyError) as error:
        raise SpotFault(-1100, f"Illegal characters found in a parameter: {error}"[:120]) from None
