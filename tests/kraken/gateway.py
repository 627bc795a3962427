"""A scripted Kraken Futures on loopback: sane by default, odd where a test asks for it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from zlib import crc32

from aiohttp import WSMsgType, web

from tests.kraken.samples import PAIR, V1_INSTRUMENT
from tests.support.waits import Changes

HANG = object()
"""An answer that never comes, though the request was taken."""
DROP = object()
"""The connection is cut after the request was taken."""
TOKEN = "token-one"
Answer = dict[str, Any] | object
STAMP = "2031-10-07T14:30:00.123456Z"


class Side:
    """The server's end of one connection."""

    def __init__(self, path: str, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.path = path
        self.asked: list[dict[str, Any]] = []
        self._socket = socket
        self._request = request

    async def send(self, message: Any) -> None:
        await self.raw(json.dumps(message))

    async def raw(self, text: str) -> None:
        if not self._socket.closed:
            await self._socket.send_str(text)

    def drop(self) -> None:
        """Cut the connection without a word."""
        assert self._request.transport is not None
        self._request.transport.abort()

    def methods(self) -> list[str]:
        return [one["method"] for one in self.asked]


class KrakenGateway(Changes):
    """`answers` scripts methods by name, each used up in turn, the last one for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.sides: list[Side] = []
        self.calls: list[tuple[str, dict[str, str]]] = []
        """Path and headers of REST calls."""
        self.tokens: list[Any] = [{"error": [], "result": {"token": TOKEN, "expires": 900}}]
        """Answers to token requests, the last one for ever."""
        self.candles: list[Any] = [{"candles": [], "more_candles": False}]
        self.charts_status = 200
        self.v1_instruments: list[dict[str, Any]] = [V1_INSTRUMENT]
        self.v1_silent: set[str] = set()
        """Feeds of which nothing comes."""
        self.pairs: list[dict[str, Any]] = [PAIR]
        self.system = "online"
        self.full = False
        """New connections are turned away."""
        self.executions: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        self.balances: list[dict[str, Any]] = [
            {"asset": "USD", "asset_class": "currency", "balance": 10000.5}
        ]
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.hooks: dict[str, Callable[[Side, dict[str, Any]], Any]] = {}
        """Called instead of everything else, by method or by channel of a subscription."""
        self.placed: list[dict[str, Any]] = []
        """Parameters of add_order."""
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[KrakenGateway]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            for side in self.sides:
                if side._request.transport is not None:
                    side.drop()
            await runner.cleanup()

    def of(self, path: str) -> list[Side]:
        """Connections of "public" or "private", oldest first."""
        return [side for side in self.sides if side.path.endswith(path)]

    async def trading(self) -> Side:
        """The private connection that asks for margin: the one that trades."""
        found = await self.until(
            lambda: [
                s
                for s in self.of("private")
                if any(a["params"].get("channel") == "margin" for a in s.asked if "params" in a)
            ]
        )
        side: Side = found[-1]
        return side

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/v2/"):
            if self.full:
                return web.Response(status=503)
            return await self._serve_socket(request)
        if request.path == "/ws/v1":
            return await self._serve_v1(request)
        self.calls.append((request.path, dict(request.headers)))
        self.tell()
        if request.path.endswith("GetWebSocketsToken"):
            answer = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
            return answer if isinstance(answer, web.Response) else web.json_response(answer)
        if request.path.endswith("/instruments"):
            return web.json_response({"result": "success", "instruments": self.v1_instruments})
        if "/charts/" in request.path:
            if self.charts_status != 200:
                return web.Response(status=self.charts_status)
            return web.json_response(self.candles.pop(0) if len(self.candles) > 1 else self.candles[0])
        return web.Response(status=404)

    async def _serve_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        side = Side(request.path, socket, request)
        self.sides.append(side)
        self.tell()
        await side.send(
            {
                "channel": "status",
                "type": "update",
                "data": [{"system": self.system, "connection_id": 1 << 63}],
            }
        )
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            asked = json.loads(message.data)
            side.asked.append(asked)
            self.tell()
            await self._answer(side, asked)
            self.tell()
        return socket

    async def _serve_v1(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        side = Side(request.path, socket, request)
        self.sides.append(side)
        await side.send({"event": "info", "version": 1})
        async for message in socket:
            asked = json.loads(message.data)
            side.asked.append(asked)
            products = asked.get("product_ids", [])
            if asked["event"] == "subscribe" and asked["feed"] not in self.v1_silent:
                await side.send({"event": "subscribed", "feed": asked["feed"], "product_ids": products})
                if asked["feed"] == "book":
                    await side.send(v1_book(products[0]))
            self.tell()
        return socket

    async def _answer(self, side: Side, asked: dict[str, Any]) -> None:
        method, params = asked["method"], asked.get("params", {})
        hook = self.hooks.get(params.get("channel", "") if method == "subscribe" else method)
        if hook is not None:
            result = hook(side, asked)
            if result is not None:
                await result
            return
        if method == "ping":
            await side.send({"method": "pong", "req_id": asked["req_id"]})
            return
        scripted = self.answers[method]
        if scripted and method not in ("subscribe", "unsubscribe"):
            answer = scripted.pop(0) if len(scripted) > 1 else scripted[0]
            if answer is DROP:
                side.drop()
            elif answer is not HANG:
                assert isinstance(answer, dict)
                await side.send({"method": method, "req_id": asked["req_id"], **answer})
            return
        if method == "add_order":
            self.placed.append(params)
            result = {"order_id": f"order-{len(self.placed)}", "cl_ord_id": params.get("cl_ord_id")}
            await side.send({"method": method, "req_id": asked["req_id"], "success": True, "result": result})
            return
        await side.send({"method": method, "req_id": asked["req_id"], "success": True, "result": {}})
        if method == "subscribe":
            await self.show(side, params)

    async def show(self, side: Side, params: dict[str, Any]) -> None:
        """The snapshot of what was subscribed."""
        channel = params["channel"]
        data: Any = None
        if channel == "instrument":
            data = {"assets": [], "pairs": self.pairs}
        elif channel == "book":
            data = [book(params["symbol"][0])]
        elif channel == "executions":
            data = self.executions
        elif channel == "positions":
            data = {"futures": self.positions, "options": []}
        elif channel == "balances":
            data = self.balances
        if data is not None:
            await side.send({"channel": channel, "type": "snapshot", "data": data, "sequence": 1})


def v1_book(symbol: str, seq: int = 10, bid: float = 60000.0) -> dict[str, Any]:
    bids, asks = [{"price": bid, "qty": 1.5}], [{"price": bid + 0.5, "qty": 0.1}]
    row = {"feed": "book_snapshot", "product_id": symbol, "timestamp": 1949149800123, "seq": seq}
    return row | {"tickSize": None, "bids": bids, "asks": asks}


def book(symbol: str, bid: float = 60000.0, ask: float = 60000.5, **changes: Any) -> dict[str, Any]:
    """A book of one level a side, with its checksum."""
    row: dict[str, Any] = {
        "symbol": symbol,
        "bids": [{"price": bid, "qty": 1.5}],
        "asks": [{"price": ask, "qty": 0.0021}],
        "timestamp": STAMP,
    } | changes
    row.setdefault("checksum", checksum(row))
    return row


def checksum(row: dict[str, Any]) -> int:
    """As the venue works it out, written apart from the adapter's."""
    texts = []
    for level in sorted(row["asks"], key=lambda one: one["price"])[:10]:
        texts += [str(level["price"]), str(level["qty"])]
    for level in sorted(row["bids"], key=lambda one: -one["price"])[:10]:
        texts += [str(level["price"]), str(level["qty"])]
    return crc32("".join(text.replace(".", "").lstrip("0") for text in texts).encode())
