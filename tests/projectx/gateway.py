"""A scripted ProjectX gateway on loopback: sane by default, odd where a test asks for it."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.projectx import samples
from tests.support.waits import Changes

SEPARATOR = "\x1e"
ACCOUNTS, BY_ID, AVAILABLE = "/api/Account/search", "/api/Contract/searchById", "/api/Contract/available"
QUERY, ORDERS, TRADES = "/api/Order/v2/query", "/api/Order/search", "/api/Trade/search"
PLACE, CANCEL, MODIFY = "/api/Order/place", "/api/Order/cancel", "/api/Order/modify"
POSITIONS, CLOSE = "/api/Position/searchOpen", "/api/Position/closeContract"
BARS = "/api/History/retrieveBars"
LOGIN, VALIDATE = "/api/Auth/loginKey", "/api/Auth/validate"
HANG = object()
"""An answer that never comes, though the request was taken."""
DROP = object()
"""The connection is cut after the request was taken."""


@dataclass(frozen=True)
class Status:
    """An answer with another HTTP status than 200."""

    code: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    path: str
    body: Any
    token: str


class HubSide:
    """The server's end of one hub connection."""

    def __init__(self, name: str, socket: web.WebSocketResponse, token: str, gateway: Gateway) -> None:
        self.name = name
        self.token = token
        self.invocations: list[tuple[str, list[Any]]] = []
        self.pings = 0
        self._socket = socket
        self._gateway = gateway

    async def raw(self, text: str) -> None:
        await self._socket.send_str(text)

    async def record(self, record: Any) -> None:
        await self.raw(json.dumps(record) + SEPARATOR)

    async def send(self, target: str, *arguments: Any) -> None:
        await self.record({"type": 1, "target": target, "arguments": list(arguments)})

    async def drop(self) -> None:
        """Cut the connection without a word."""
        request = self._socket._req
        assert request is not None
        assert request.transport is not None
        request.transport.abort()

    @property
    def closed(self) -> bool:
        return self._socket.closed


class Gateway:
    """`script` queues answers of a path; without one the default answer is given."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.hubs: list[HubSide] = []
        self.tokens: set[str] = set()
        self.hub_tokens_refused: set[str] = set()
        self.token_life_s = 86_400
        self.first_quotes = True
        self.handshake_reply = "{}" + SEPARATOR
        self.completion: Callable[[str, str, list[Any]], Any] = self._complete
        self.defaults: dict[str, Any] = samples.rest_defaults()
        self._changes = Changes()
        self.until = self._changes.until
        self._scripts: dict[str, deque[Any]] = defaultdict(deque)
        self._issued = 0
        self._port = 0

    def script(self, path: str, *answers: Any) -> None:
        self._scripts[path].extend(answers)

    def bodies(self, path: str) -> list[Any]:
        return [call.body for call in self.calls if call.path == path]

    def open_hubs(self, name: str) -> list[HubSide]:
        return [hub for hub in self.hubs if hub.name == name and not hub.closed]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def token(self) -> str:
        self._issued += 1
        claims = {"iat": 1_000_000, "exp": 1_000_000 + self.token_life_s, "n": self._issued}
        head, payload = (
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in ({"alg": "none"}, claims)
        )
        token = f"{head}.{payload}.c2ln"
        self.tokens.add(token)
        return token

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Gateway]:
        app = web.Application()
        app.router.add_get("/api/Status/ping", self._ping)
        app.router.add_post("/api/{path:.*}", self._rest)
        app.router.add_get("/hubs/{name}", self._hub)
        runner = web.AppRunner(app, shutdown_timeout=0.05)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _ping(self, request: web.Request) -> web.Response:
        return web.Response(text="pong")

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        path = request.path
        self.calls.append(Call(path, json.loads(raw) if raw else None, token))
        self._changes.tell()
        scripted = self._scripts[path]
        answer = scripted.popleft() if scripted else self.defaults.get(path)
        if callable(answer):
            answer = answer(self.calls[-1])
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is HANG:
            await asyncio.Event().wait()
        if answer is DROP:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if path == "/api/Auth/loginKey" and answer is None:
            answer = {"token": self.token(), "success": True, "errorCode": 0, "errorMessage": None}
        elif path == "/api/Auth/validate" and answer is None:
            answer = {"newToken": self.token(), "success": True, "errorCode": 0, "errorMessage": None}
        elif not path.startswith("/api/Auth/") and token not in self.tokens:
            answer = Status(401)
        if answer is None:
            answer = Status(404)
        if isinstance(answer, Status):
            body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            return web.Response(status=answer.code, text=body, headers=answer.headers)
        if isinstance(answer, str):
            return web.Response(text=answer, content_type="application/json")
        return web.json_response(answer)

    async def _hub(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("access_token", "")
        if token not in self.tokens or token in self.hub_tokens_refused:
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        hub = HubSide(request.match_info["name"], socket, token, self)
        rest = ""
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            *records, rest = (rest + message.data).split(SEPARATOR)
            for text in records:
                await self._on_record(hub, json.loads(text))
        self._changes.tell()
        return socket

    async def _on_record(self, hub: HubSide, record: Any) -> None:
        if "protocol" in record:
            assert record == {"protocol": "json", "version": 1}
            self.hubs.append(hub)
            await hub.raw(self.handshake_reply)
        elif record["type"] == 6:
            hub.pings += 1
        elif record["type"] == 1:
            target, arguments = record["target"], record["arguments"]
            hub.invocations.append((target, arguments))
            answer = self.completion(hub.name, target, arguments)
            if answer is not None:
                await hub.record(answer | {"type": 3, "invocationId": record["invocationId"]})
            if target == "SubscribeContractQuotes" and self.first_quotes:
                await hub.send("GatewayQuote", arguments[0], samples.first_quote(arguments[0]))
        self._changes.tell()

    def _complete(self, hub: str, target: str, arguments: list[Any]) -> Any:
        """The default completion; None sends none."""
        return {"result": None}
