"""The HTTP server of the REST API."""

from __future__ import annotations

import asyncio
import logging
import re
import resource
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from adapters.control.access import AccessLog
from adapters.control.metrics import exposition
from adapters.control.rest.config import ApiConfig
from adapters.control.rest.guard import METHODS, Guard, path_of, what_of
from adapters.control.rest.idempotency import UsedKeys
from adapters.control.rest.live import LiveUpdates
from adapters.control.rest.openapi import KEY_PATTERN, document
from adapters.control.rest.problem import ApiProblem, Code
from adapters.control.rest.routes import Route, parameters, routes
from adapters.control.rest.service import ApiCall, ApiService, Caller, SharedLooks, WireAnswer
from adapters.control.rest.shapes import read_plain
from adapters.control.tokens import KnownTokens, Scope
from engine.model.errors import FatalError, RetryableError
from engine.ports import Clock, EngineHandle

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
"""Of a body."""
CONNECTIONS = 2000
"""More are hung up on."""
_BODY_S = 10.0
_IDLE_S = 30.0
"""A connection that asks nothing for so long is closed; one that never asks too."""
_OTHER_FILES = 300
"""Open files that are kept for everything else in the process."""
_DIGITS = 20
_ENDING_S = 2.0
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": "tstream"}
_KEY = "Idempotency-Key"
_JSON = "application/json"


_WHO = web.RequestKey("who", object)


class ApiServer:
    """One server, on the loop in which it is started."""

    def __init__(self, handle: EngineHandle, config: ApiConfig, access: AccessLog, clock: Clock) -> None:
        """`clock` is the wall's."""
        self._config = config
        self._table = {(route.method, route.path): _Checked(route) for route in routes()}
        self.api = ApiService(handle, config, access, clock, UsedKeys(config.keys), SharedLooks(handle))
        self._tokens = KnownTokens(config.tokens, config.token)
        self._guard = Guard(config, self._tokens, access, clock, time.monotonic)
        self._live = LiveUpdates(self.api, lambda token: self._tokens.holds(token, clock()))
        self._encoder = msgspec.json.Encoder()
        self._document = b""
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen. Raises RetryableError where the port is taken, FatalError for a bad certificate."""
        app = web.Application(middlewares=[self._middleware], client_max_size=MOST_BYTES)
        for method, path in self._table:
            app.router.add_route(method, path, self._serve)
        app.router.add_route("GET", "/openapi.json", self._describe)
        app.router.add_route("GET", "/metrics", self._metrics)
        app.router.add_route("GET", "/ws", self._updates)
        runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=_IDLE_S,
            lingering_time=1.0,
            auto_decompress=False,
            shutdown_timeout=_ENDING_S,
        )
        tls = _tls(self._config)
        await runner.setup()
        self._runner = runner
        server, loop = runner.server, asyncio.get_running_loop()
        assert server is not None

        most = min(CONNECTIONS, _room())

        def accept() -> asyncio.Protocol:
            return server() if len(server.connections) < most else _HangUp()

        try:
            self._listening = await loop.create_server(
                accept, self._config.host, self._config.port, ssl=tls, backlog=1024
            )
        except OSError as error:
            await self.stop()
            where = f"{self._config.host}:{self._config.port}"
            raise RetryableError(
                f"can't listen at {where}: {error.strerror or error}; set api.port or api.host"
            ) from None
        host, port = self._listening.sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{shown}:{port}"
        self._live.start()
        if not self._tokens.any:
            log.warning("the API has no token yet: tstream token create NAME --scope read makes one")

    async def stop(self) -> None:
        """Hang up."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        await self._live.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        with suppress(RetryableError):
            await self.api.keys.close()

    # --- each request -----------------------------------------------------------------------------------

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Lets in who may come in; whatever goes wrong is answered in one form."""
        path, checked = path_of(request), self._checked(request)
        try:
            self._guard.place(request)
            scope = checked.route.scope if checked is not None else Scope.READ
            open_here = checked is not None and checked.route.open_here
            request[_WHO] = await self._guard.caller(request, scope, open_here=open_here)
            response = await handler(request)
        except ApiProblem as problem:
            response = self._problem(problem)
        except web.HTTPException as error:
            response = self._problem(_known_problem(error))
        except Exception:
            log.exception("a request to the API failed: %s", what_of(request))
            response = self._problem(ApiProblem(Code.INTERNAL, "internal error, see the log"))
        method = request.method if request.method in METHODS else "other"
        self.api.counts[method, path or "unknown", response.status] += 1
        return response

    def _checked(self, request: web.Request) -> _Checked | None:
        return self._table.get((request.method, path_of(request)))

    def _problem(self, problem: ApiProblem) -> web.Response:
        body = self._encoder.encode(problem.reply)
        headers = {**_HEADERS, **problem.headers}
        return web.Response(status=problem.code.status, body=body, content_type=_JSON, headers=headers)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        checked = self._checked(request)
        assert checked is not None
        call = await checked.call(request, self.api)
        reply = await checked.route.handler(call)
        if isinstance(reply, WireAnswer):
            headers = {**_HEADERS, **({"Idempotency-Replayed": "true"} if reply.replayed else {})}
            return web.Response(status=reply.status, body=reply.body, content_type=_JSON, headers=headers)
        return web.Response(body=self._encoder.encode(reply), content_type=_JSON, headers=_HEADERS)

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        if not self._document:
            made = await asyncio.to_thread(document, self.api.config.version)
            self._document = self._encoder.encode(made)
        return web.Response(body=self._document, content_type=_JSON, headers=_HEADERS)

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        body, kind = exposition(
            await self.api.view(), self.api.config.version, self.api.counts, self.api.live
        )
        return web.Response(body=body, headers={**_HEADERS, "Content-Type": kind})

    async def _updates(self, request: web.Request) -> web.StreamResponse:
        who = request[_WHO]
        assert isinstance(who, Caller)
        return await self._live.serve(request, who)


class _Checked:
    """A route, and how what comes to it is read."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self._path = parameters(route.path)

    async def call(self, request: web.Request, api: ApiService) -> ApiCall:
        """The request, checked. Raises ApiProblem."""
        path = {name: _text(kind, request.match_info[name]) for name, kind in self._path.items()}
        return ApiCall(
            api=api,
            who=who if isinstance(who := request[_WHO], Caller) else None,
            body=await self._read_body(request),
            query=self._read_query(request),
            path=path,
            key=_key(request) if self.route.keyed else "",
        )

    async def _read_body(self, request: web.Request) -> Any:
        kind = self.route.body
        if kind is None:
            return None
        try:
            async with asyncio.timeout(_BODY_S):
                raw = await request.read()
        except TimeoutError:
            raise ApiProblem(Code.BAD_REQUEST, f"the body did not come within {_BODY_S:.0f} s") from None
        if not raw and not self.route.body_needed:
            return msgspec.convert({}, kind)
        if request.content_type != _JSON:
            raise ApiProblem(
                Code.MEDIA_TYPE, "a body is JSON", "send it with the header Content-Type: application/json"
            )
        try:
            return msgspec.convert(_JSON_NUMBERS.decode(raw), kind, dec_hook=read_plain)
        except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError) as error:
            raise ApiProblem(
                Code.BAD_REQUEST, f"not understood: {error}", "docs/api.md has the fields"
            ) from None

    def _read_query(self, request: web.Request) -> Any:
        kind = self.route.query
        given = request.query
        if len(set(given)) != len(given):
            raise ApiProblem(Code.BAD_REQUEST, "a parameter is given twice")
        if kind is None:
            if given:
                raise ApiProblem(Code.BAD_REQUEST, "this takes no parameters behind the ?")
            return None
        try:
            return msgspec.convert(dict(given), kind, strict=False)
        except (msgspec.ValidationError, ValueError) as error:
            raise ApiProblem(
                Code.BAD_REQUEST, f"not understood: {error}", "docs/api.md has the parameters"
            ) from None


def _number(text: str) -> int | Decimal:
    """As it is written, never by way of a float; 5.0 is a whole number too, as JSON schema has it."""
    number = Decimal(text)
    if abs(number.adjusted()) < _DIGITS and number == number.to_integral_value():
        return int(number)
    return number


_JSON_NUMBERS = msgspec.json.Decoder(float_hook=_number)


def _text(kind: object, value: str) -> str:
    try:
        return str(msgspec.convert(value, kind))
    except msgspec.ValidationError as error:
        raise ApiProblem(Code.NOT_FOUND, f"there can be nothing called so: {error}") from None


def _key(request: web.Request) -> str:
    """Raises ApiProblem."""
    given = request.headers.getall(_KEY, [])
    if len(given) != 1 or not re.fullmatch(KEY_PATTERN, given[0], re.ASCII):
        raise ApiProblem(
            Code.BAD_REQUEST,
            f"a header {_KEY} of 1 to 100 letters, digits, '.', '_', ':' or '-' is needed",
            "make a new one for each order (uuidgen), and repeat it when you send the same order again",
        )
    return given[0]


def _known_problem(error: web.HTTPException) -> ApiProblem:
    match error.status:
        case 404:
            return ApiProblem(Code.NOT_FOUND, "there is no such path", "docs/api.md lists them all")
        case 405:
            allowed = error.headers.get("Allow", "")
            return ApiProblem(Code.METHOD, f"this path takes {allowed}", headers={"Allow": allowed})
        case 413:
            return ApiProblem(Code.TOO_LARGE, f"a body has at most {MOST_BYTES} bytes")
    return ApiProblem(Code.BAD_REQUEST, "not understood")


def _tls(config: ApiConfig) -> ssl.SSLContext | None:
    """Raises FatalError."""
    if not config.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.certificate, config.certificate_key or None)
    except (OSError, ssl.SSLError) as error:
        raise FatalError(f"can't use the certificate {config.certificate}: {error}") from None
    return context


def _room() -> int:
    """How many connections leave enough open files to the engine, after asking for as many as may be had."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    wanted = 2 * CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, 2 * CONNECTIONS)
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return max(8, soft - _OTHER_FILES)


class _HangUp(asyncio.Protocol):
    """For whom there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
