"""The wire of Kraken Futures as a whole: the routes, the requests of both sockets, and what each is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
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
from adapters.simulator.wire.kraken import access, rows
from adapters.simulator.wire.kraken.access import TokenDesk
from adapters.simulator.wire.kraken.market import PublicSide, Refused
from adapters.simulator.wire.kraken.private import CHANNELS, PrivateSide
from adapters.simulator.wire.kraken.rows import Json
from adapters.simulator.wire.kraken.v1 import OldSide
from engine.model.events import Quote

ONLINE = "online"
_STALE = "EAPI:Invalid token"
_BEAT_S, _OLD_BEAT_S = 1.0, 10.0
_NAMES = {
    "add_order": "place",
    "amend_order": "modify",
    "cancel_order": "cancel",
    "cancel_all": "cancel_all",
    "subscribe": "subscribe",
    "unsubscribe": "subscribe",
}
"""What faults call the methods."""
_TROUBLE = {
    TroubleKind.LIMITED: "EOrder:Rate limit exceeded",
    TroubleKind.MAINTENANCE: "EService:Unavailable",
    TroubleKind.ERROR: "EGeneral:Internal error",
}


class KrakenWire(TwinWire):
    """Beside what every twin has: `set_system`, `market.set_status`, `market.spoil_checksums`,
    `private.filled_rows`, `tokens.expire`.
    """

    NAME: ClassVar[str] = "kraken"
    CALLS: ClassVar[tuple[str, ...]] = (
        "place",
        "modify",
        "cancel",
        "cancel_all",
        "subscribe",
        "token",
        "history",
        "instruments",
    )
    STREAMS: ClassVar[tuple[str, ...]] = (
        "orders",
        "positions",
        "balances",
        "margin",
        "book",
        "trades",
        "ticker",
        "candles",
        "instruments",
        "heartbeat",
    )
    SOCKETS: ClassVar[tuple[str, ...]] = ("public", "private", "v1")

    def __init__(self, exchange: TwinExchange, sockets: Sockets, calls: TwinCalls) -> None:
        super().__init__(exchange, sockets, calls)
        self.market = PublicSide(exchange, sockets)
        self.private = PrivateSide(exchange, sockets)
        self.old = OldSide(exchange, sockets)
        self.tokens = TokenDesk(self.account_of, exchange.now)
        self.system = ONLINE
        exchange.schedule.call_after(_BEAT_S, self._beat)
        exchange.schedule.call_after(_OLD_BEAT_S, self._old_beat)

    # -- HTTP ------------------------------------------------------------------------------------------------

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.post(access.PATH, self._token),
            web.get("/v2/public", partial(self._serve, "public")),
            web.get("/v2/private", partial(self._serve, "private")),
            web.get("/ws/v1", self._serve_old),
            web.get("/derivatives/api/v3/instruments", self._instruments),
            web.get("/api/charts/v1/trade/{symbol}/{resolution}", self._candles),
        ]

    def call_of(self, request: web.Request) -> str:
        path = request.path
        if path == access.PATH:
            return "token"
        if path.startswith("/api/charts/"):
            return "history"
        return "instruments" if path.endswith("/instruments") else ""

    def trouble(self, trouble: Trouble) -> web.Response:
        if trouble.kind in (TroubleKind.LIMITED, TroubleKind.REFUSED) and trouble.status == 400:
            return web.json_response({"error": [self._in_words(trouble)]})
        return super().trouble(trouble)

    async def _token(self, request: web.Request) -> web.Response:
        body = await request.text()
        headers = request.headers
        token, error = self.tokens.issue(headers.get("API-Key", ""), headers.get("API-Sign", ""), body)
        if error:
            return web.json_response({"error": [error]})
        return web.json_response({"error": [], "result": {"token": token, "expires": access.LIFE_S}})

    async def _instruments(self, _request: web.Request) -> web.Response:
        return web.Response(text=rows.encode(self.old.instruments()), content_type="application/json")

    async def _candles(self, request: web.Request) -> web.Response:
        return self.old.candles(request)

    # -- sockets ---------------------------------------------------------------------------------------------

    async def _serve(self, kind: str, request: web.Request) -> web.StreamResponse:
        return await self.sockets.serve(request, kind, self._take, self._opened)

    async def _serve_old(self, request: web.Request) -> web.StreamResponse:
        return await self.sockets.serve(request, "v1", self.old.take, self.old.opened)

    def _opened(self, socket: TwinSocket) -> None:
        socket.answer(self._status())

    def _status(self) -> str:
        row = {"system": self.system, "api_version": "v2", "connection_id": 1 << 63, "version": "2.0.10"}
        return rows.encode({"channel": "status", "type": "update", "data": [row]})

    def set_system(self, system: str) -> None:
        """The engine's state from now on: online, cancel_only, post_only, maintenance. Everybody is told."""
        self.system = system
        for kind in ("public", "private"):
            for socket in self.sockets.of(kind):
                socket.answer(self._status())

    async def _take(self, socket: TwinSocket, text: str) -> None:
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.MsgspecError:
            socket.answer('{"error":"Malformed request","success":false}')
            return
        method, req_id = str(asked.get("method")), asked.get("req_id")
        params = asked.get("params")
        params = params if isinstance(params, dict) else {}
        if method == "ping":
            socket.answer(self._reply("pong", req_id))
            return
        call = _NAMES.get(method)
        if call is None:
            socket.answer(self._reply(method, req_id, error=f"Unsupported method: {method}"))
            return
        handle = partial(self._handle, socket, method, params, req_id)
        trouble = partial(self._troubled, method, req_id)
        asking = self.ask(socket, call, handle, trouble)
        if call == "subscribe":
            await asking
        else:
            self.sockets.soon(asking)  # a fault that holds one up holds up no other

    def _handle(self, socket: TwinSocket, method: str, params: Json, req_id: object) -> str | None:
        say = partial(self._reply, method, req_id)
        try:
            if method in ("subscribe", "unsubscribe"):
                self._subscription(socket, method, params, say)
                return None
            account = self._owner(socket, params)
            if self.system != ONLINE and method == "add_order":
                raise Refused(f"EService:Market in {self.system} mode")
            if method == "add_order":
                return say(result=self.private.add_order(account, params))
            if method == "amend_order":
                return say(result=self.private.amend_order(account, params))
            if method == "cancel_all":
                return say(result=self.private.cancel_all(account))
            for result in self.private.cancel_order(account, params):
                socket.answer(say(result=result))
        except Refused as error:
            return say(error=str(error))
        return None

    def _subscription(self, socket: TwinSocket, method: str, params: Json, say: Callable[..., str]) -> None:
        """Answers each symbol by itself, then shows what there is. Raises Refused."""
        if params.get("channel") in CHANNELS:
            account = self._owner(socket, params)
            show: Callable[[], None] | None = None
            if method == "subscribe":
                show = self.private.subscribe(socket, account, params)
            else:
                self.private.unsubscribe(socket, account, params)
            socket.answer(say(result={"channel": params["channel"]}))
            if show is not None:
                show()
        elif method == "subscribe":
            for result, shown in self.market.subscribe(socket, params):
                socket.answer(say(result=result))
                if shown is not None:
                    shown()
        else:
            for result in self.market.unsubscribe(socket, params):
                socket.answer(say(result=result))

    def _owner(self, socket: TwinSocket, params: Json) -> TwinAccount:
        account = self.tokens.owner(socket, params.get("token"))
        if account is None or socket.kind != "private":
            raise Refused(_STALE)
        return account

    def _reply(
        self, method: str, req_id: object, result: Json | None = None, error: str | None = None
    ) -> str:
        now = rows.stamp(self.exchange.now())
        body: Json = {"method": method, "time_in": now, "time_out": now}
        if isinstance(req_id, int):
            body["req_id"] = req_id
        if error is not None:
            return rows.encode(body | {"success": False, "error": error})
        return rows.encode(body | {"success": True, "result": result or {}})

    def _troubled(self, method: str, req_id: object, trouble: Trouble) -> str:
        return self._reply(method, req_id, error=self._in_words(trouble))

    def _in_words(self, trouble: Trouble) -> str:
        return _TROUBLE.get(trouble.kind, f"EGeneral:{trouble.text}")

    # -- what happens ----------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        self.market.on_quote(quote)
        self.old.on_quote(quote)

    def on_trade(self, trade: TwinTrade) -> None:
        self.market.on_trade(trade)
        self.old.on_trade(trade)

    def on_order(self, account: TwinAccount, order: TwinOrder) -> None:
        self.private.on_order(account, order)

    def on_fill(self, account: TwinAccount, fill: TwinFill) -> None:
        self.private.on_fill(account, fill)

    def _beat(self) -> None:
        self.exchange.schedule.call_after(_BEAT_S, self._beat)
        for kind in ("public", "private"):
            for socket in self.sockets.of(kind):
                if socket.topics:
                    self.sockets.send(socket, "heartbeat", '{"channel":"heartbeat"}')

    def _old_beat(self) -> None:
        self.exchange.schedule.call_after(_OLD_BEAT_S, self._old_beat)
        self.old.beat()
