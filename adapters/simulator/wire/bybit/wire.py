"""Bybit V5 around a twin: signed REST calls, the public streams of both categories, the private stream.

Rules: docs/protocols/bybit.md. A state comes by the stream, an answer says only that a request was received.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.calls import TwinCalls
from adapters.simulator.twins.exchange import TwinExchange, TwinTrade
from adapters.simulator.twins.records import TwinFill, TwinOrder
from adapters.simulator.twins.sockets import Sockets, TwinSocket
from adapters.simulator.twins.trouble import Trouble, TroubleKind
from adapters.simulator.twins.wire import TwinWire
from adapters.simulator.wire.bybit.looking import BybitLooking
from adapters.simulator.wire.bybit.orders import BybitOrders, BybitRefusal
from adapters.simulator.wire.bybit.rows import (
    LINEAR,
    MILLI,
    SPOT,
    Row,
    category_of,
    execution_row,
    order_row,
    position_row,
    trade_row,
    wallet_row,
)
from engine.model.events import Quote
from engine.model.instrument import Instrument

_DEPTH = 50
"""Levels of a side in the book that is told whole and by its changes."""
_AGAIN_NS = 3_000_000_000
"""The top of a book is told again after so long without a change."""
_CALLS = {
    "/v5/market/time": "time",
    "/v5/market/instruments-info": "instruments",
    "/v5/market/kline": "history",
    "/v5/user/query-api": "key",
    "/v5/account/wallet-balance": "balances",
    "/v5/order/realtime": "orders",
    "/v5/order/history": "past-orders",
    "/v5/execution/list": "fills",
    "/v5/position/list": "positions",
    "/v5/order/create": "place",
    "/v5/order/amend": "modify",
    "/v5/order/cancel": "cancel",
}

Ask = Callable[[TwinAccount, Mapping[str, Any]], Row]


class BybitWire(TwinWire):
    NAME: ClassVar[str] = "bybit"
    CALLS: ClassVar[tuple[str, ...]] = tuple(_CALLS.values())
    STREAMS: ClassVar[tuple[str, ...]] = (
        "quotes",
        "trades",
        "depth",
        "orders",
        "fills",
        "positions",
        "wallet",
    )
    SOCKETS: ClassVar[tuple[str, ...]] = ("public", "private")

    def __init__(self, exchange: TwinExchange, sockets: Sockets, calls: TwinCalls) -> None:
        super().__init__(exchange, sockets, calls)
        self._known = {(category_of(one), one.root): one for one in exchange.instruments.values()}
        self._orders = BybitOrders(self._listed)
        self._looking = BybitLooking(exchange, self._orders)
        self._seq = count(1)
        self._books: dict[str, tuple[int, dict[tuple[str, int], int]]] = {}
        """Of those whose depth is subscribed: number of the newest change, and sizes by side and price."""
        self._told: dict[str, int] = {}
        """When the top of each book was told last."""

    def _listed(self, category: str, root: str) -> Instrument | None:
        return self._known.get((category, root))

    def delist(self, instrument: Instrument) -> None:
        """From now on the venue knows nothing of it."""
        del self._known[category_of(instrument), instrument.root]

    def pause(self, instrument: Instrument, status: str) -> None:
        """From now on it only takes what reduces, and says so by its status ("Trading" goes on)."""
        self._orders.states[category_of(instrument), instrument.root] = status

    # -- calls --------------------------------------------------------------------------------------------

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        looking, orders = self._looking, self._orders
        public: dict[str, Callable[[Mapping[str, Any]], Row]] = {
            "time": looking.time,
            "instruments": looking.instruments,
            "history": looking.bars,
        }
        private: dict[str, Ask] = {
            "key": looking.key,
            "balances": looking.wallet,
            "orders": looking.open_orders,
            "past-orders": looking.past_orders,
            "fills": looking.executions,
            "positions": looking.positions,
        }
        acts: dict[str, Ask] = {"place": orders.create, "modify": orders.amend, "cancel": orders.cancel}
        for path, call in _CALLS.items():
            if call in public:
                yield web.get(path, self._open(public[call]))
            elif call in private:
                yield web.get(path, self._signed(private[call]))
            else:
                yield web.post(path, self._signed(acts[call]))
        yield web.get("/v5/public/{category}", self._public)
        yield web.get("/v5/private", self._private)

    def call_of(self, request: web.Request) -> str:
        return _CALLS.get(request.path, "")

    def trouble(self, trouble: Trouble) -> web.Response:
        """What is refused or limited comes with HTTP 200 and a code."""
        match trouble.kind:
            case TroubleKind.REFUSED:
                return self._answer(10001, trouble.text)
            case TroubleKind.LIMITED:
                return self._answer(10006, "Too many visits. Exceeded the API Rate Limit.")
            case TroubleKind.ERROR:
                return self._answer(10016, "Internal server error.")
        return web.Response(status=503, text="maintenance")

    def _open(self, ask: Callable[[Mapping[str, Any]], Row]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                return self._answer(0, "OK", ask(request.query))
            except BybitRefusal as error:
                return self._answer(error.code, str(error))

        return handle

    def _signed(self, ask: Ask) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            raw = await request.text() if request.method == "POST" else request.rel_url.raw_query_string
            try:
                account = self._account(request.headers, raw)
                params = msgspec.json.decode(raw) if request.method == "POST" else request.query
                if not isinstance(params, Mapping):
                    raise BybitRefusal(10001, "params error")
                return self._answer(0, "OK", ask(account, params))
            except msgspec.DecodeError as error:
                return self._answer(10001, f"params error: {error}")
            except BybitRefusal as error:
                return self._answer(error.code, str(error))

        return handle

    def _account(self, headers: Mapping[str, str], payload: str) -> TwinAccount:
        """Who has signed this. Raises BybitRefusal."""
        key, stamp = headers.get("X-BAPI-API-KEY", ""), headers.get("X-BAPI-TIMESTAMP", "")
        window = headers.get("X-BAPI-RECV-WINDOW", "5000")
        account = self.account_of(key)
        if account is None:
            raise BybitRefusal(10003, "API key is invalid.")
        now = self.exchange.now() // MILLI
        if not (stamp.isdecimal() and window.isdecimal() and now - int(window) <= int(stamp) < now + 1000):
            raise BybitRefusal(10002, f"invalid request, please check your server timestamp: {stamp}, {now}")
        if not _signed_by(account, f"{stamp}{key}{window}{payload}", headers.get("X-BAPI-SIGN", "")):
            raise BybitRefusal(10004, "error sign! please check your signature generation algorithm.")
        return account

    def _answer(self, code: int, message: str, result: Row | None = None) -> web.Response:
        body = {"retCode": code, "retMsg": message, "result": result or {}, "retExtInfo": {}}
        return web.json_response(body | {"time": self.exchange.now() // MILLI})

    # -- sockets ------------------------------------------------------------------------------------------

    async def _public(self, request: web.Request) -> web.StreamResponse:
        category = request.match_info["category"]
        if category not in (LINEAR, SPOT):
            return web.Response(status=404)

        def begin(socket: TwinSocket) -> None:
            socket.data["category"] = category

        return await self.sockets.serve(request, "public", self._on_public, begin)

    async def _private(self, request: web.Request) -> web.StreamResponse:
        return await self.sockets.serve(request, "private", self._on_private)

    def _on_public(self, socket: TwinSocket, text: str) -> None:
        asked = _asked(text)
        if asked.get("op") == "ping":
            self._say(socket, asked, op="ping", success=True, ret_msg="pong")
        elif asked.get("op") == "subscribe":
            self._subscribe(socket, asked)
        elif asked.get("op") == "unsubscribe":
            socket.topics -= {(socket.data["category"], topic) for topic in asked.get("args") or ()}
            self._say(socket, asked, op="unsubscribe", success=True, ret_msg="")

    def _subscribe(self, socket: TwinSocket, asked: Row) -> None:
        category, topics = socket.data["category"], list(asked.get("args") or ())
        known = [(one, self._listed(category, str(one).rpartition(".")[2])) for one in topics]
        wrong = [one for one, instrument in known if instrument is None]
        if wrong or (category == SPOT and len(topics) > 10):
            text = f"error:handler not found,topic:{wrong[0]}" if wrong else "args size > 10"
            self._say(socket, asked, op="subscribe", success=False, ret_msg=text)
            return
        self._say(socket, asked, op="subscribe", success=True, ret_msg="")
        for topic, instrument in known:
            assert instrument is not None
            socket.topics.add((category, topic))
            if str(topic).startswith("orderbook.1."):
                self.sockets.send(socket, "quotes", self._top(instrument))
            elif str(topic).startswith(f"orderbook.{_DEPTH}."):
                self._tell_book(instrument)
                number, levels = self._books[instrument.symbol]
                self.sockets.send(socket, "depth", self._book(instrument, number, levels, "snapshot"))

    def _on_private(self, socket: TwinSocket, text: str) -> None:
        asked = _asked(text)
        match asked.get("op"):
            case "ping":
                now = str(self.exchange.now() // MILLI)
                self._say(socket, asked, op="pong", args=[now])
            case "auth":
                socket.account = self._logged_in(list(asked.get("args") or ()))
                ok = socket.account is not None
                self._say(socket, asked, op="auth", success=ok, ret_msg="" if ok else "error sign")
            case "subscribe" if (account := socket.account) is not None:
                for topic in asked.get("args") or ():
                    socket.topics.add((account.name, topic))
                self._say(socket, asked, op="subscribe", success=True, ret_msg="")
            case "subscribe":
                self._say(socket, asked, op="subscribe", success=False, ret_msg="Request not authorized")

    def _logged_in(self, args: list[Any]) -> TwinAccount | None:
        if len(args) != 3 or not isinstance(args[1], int) or args[1] < self.exchange.now() // MILLI:
            return None
        account = self.account_of(str(args[0]))
        if account is None or not _signed_by(account, f"GET/realtime{args[1]}", str(args[2])):
            return None
        return account

    def _say(self, socket: TwinSocket, asked: Row, **said: Any) -> None:
        more = {"req_id": asked["req_id"]} if "req_id" in asked else {}
        socket.answer(msgspec.json.encode(more | said | {"conn_id": "twin"}).decode())

    # -- what happens -------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        instrument = self.exchange.instruments[quote.instrument]
        self._tell_top(instrument)
        if self.sockets.having((category_of(instrument), f"orderbook.{_DEPTH}.{instrument.root}")):
            self._tell_book(instrument)

    def on_trade(self, trade: TwinTrade) -> None:
        instrument = self.exchange.instruments[trade.print.instrument]
        topic = f"publicTrade.{instrument.root}"
        rows = [trade_row(trade, instrument)]
        self.sockets.publish(
            (category_of(instrument), topic), "trades", lambda: self._public_record(topic, rows)
        )

    def flush(self) -> None:
        """A book that stands still is told again."""
        now = self.exchange.now()
        for symbol, told in self._told.items():
            if now - told >= _AGAIN_NS:
                self._tell_top(self.exchange.instruments[symbol])

    def on_order(self, account: TwinAccount, order: TwinOrder) -> None:
        instrument = self.exchange.instruments[order.order.instrument]
        self._tell(account, "order", "orders", order_row(order, instrument))

    def on_fill(self, account: TwinAccount, fill: TwinFill) -> None:
        instrument = self.exchange.instruments[fill.fill.instrument]
        order = account.orders.get(int(fill.fill.venue_order_id))
        self._tell(account, "execution", "fills", execution_row(fill, order, instrument))
        if category_of(instrument) == LINEAR:
            self._tell(account, "position", "positions", position_row(account, instrument))
        self._tell(account, "wallet", "wallet", wallet_row(account, instrument.currency))

    def _tell_top(self, instrument: Instrument) -> None:
        self._told[instrument.symbol] = self.exchange.now()
        topic = (category_of(instrument), f"orderbook.1.{instrument.root}")
        self.sockets.publish(topic, "quotes", lambda: self._top(instrument))

    def _top(self, instrument: Instrument) -> str:
        bids, asks = self.exchange.depth(instrument.symbol, 1)
        book = {
            "s": instrument.root,
            "b": [[f"{instrument.price(one.price):f}", f"{instrument.qty(one.size):f}"] for one in bids],
            "a": [[f"{instrument.price(one.price):f}", f"{instrument.qty(one.size):f}"] for one in asks],
            "u": next(self._seq),
            "seq": next(self._seq),
        }
        return self._public_record(f"orderbook.1.{instrument.root}", book)

    def _tell_book(self, instrument: Instrument) -> None:
        """What has changed since it was told last, to those who have that."""
        bids, asks = self.exchange.depth(instrument.symbol, _DEPTH)
        now = {("b", one.price): one.size for one in bids} | {("a", one.price): one.size for one in asks}
        number, before = self._books.get(instrument.symbol, (1, {}))
        changed = {key: now.get(key, 0) for key in before | now if before.get(key) != now.get(key)}
        if changed:
            self._books[instrument.symbol] = number + 1, now
            topic = (category_of(instrument), f"orderbook.{_DEPTH}.{instrument.root}")
            self.sockets.publish(topic, "depth", self._book(instrument, number + 1, changed, "delta"))

    def _book(
        self, instrument: Instrument, number: int, levels: Mapping[tuple[str, int], int], kind: str
    ) -> str:
        data: Row = {"s": instrument.root, "b": [], "a": [], "u": number, "seq": next(self._seq)}
        for (side, price), size in levels.items():
            data[side].append([f"{instrument.price(price):f}", f"{instrument.qty(size):f}"])
        return self._public_record(f"orderbook.{_DEPTH}.{instrument.root}", data, kind)

    def _public_record(self, topic: str, data: Any, kind: str = "snapshot") -> str:
        record = {"topic": topic, "type": kind, "ts": self.exchange.now() // MILLI, "data": data}
        return msgspec.json.encode(record).decode()

    def _tell(self, account: TwinAccount, topic: str, stream: str, row: Row) -> None:
        record = {"id": str(next(self._seq)), "topic": topic, "creationTime": self.exchange.now() // MILLI}
        text = msgspec.json.encode(record | {"data": [row]}).decode()
        self.sockets.publish((account.name, topic), stream, text)


def _asked(text: str) -> Row:
    try:
        asked = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _signed_by(account: TwinAccount, text: str, signature: str) -> bool:
    right = hmac.new(account.login.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(right, signature)
