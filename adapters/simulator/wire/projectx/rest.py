"""The HTTP side of the practice venue: who is let in, and the one way out for answers.

Source of the rules: ProjectX protocol, HTTP and authentication.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.market.hours import NANOS
from adapters.simulator.wire.projectx.access import RateCounter, RateLimit, Tokens
from adapters.simulator.wire.projectx.endpoints import Endpoints, ServedCall
from adapters.simulator.wire.projectx.hubs import Hubs, HubServer
from adapters.simulator.wire.projectx.requests import BadRequestError

_PING = "/api/status/ping"
_BARS = "/api/history/retrievebars"
_MISSING = re.compile(r"missing required field `(\w+)`(?: - at `\$\.?(.*)`)?")
_AT = re.compile(r" - at `\$\.?(.*)`")

log = logging.getLogger(__name__)


class HttpServer:
    """Routes every request, whatever the case of its path."""

    def __init__(
        self,
        exchange: Exchange,
        hubs: Hubs,
        endpoints: Endpoints,
        tokens: Tokens,
        limits: tuple[RateLimit, RateLimit],
        answered: Callable[[], None],
    ) -> None:
        """`limits` are those of history and of all other calls; `answered` is called after each call."""
        self._exchange = exchange
        self._hubs = hubs
        self._tokens = tokens
        self._endpoints = endpoints.by_path
        self._hub_paths = {"/hubs/market": hubs.market, "/hubs/user": hubs.user}
        self._bars_calls, self._other_calls = (RateCounter(limit) for limit in limits)
        self._answered = answered

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request. Every REST answer leaves here."""
        path = request.path.rstrip("/").lower()
        hub = self._hub_paths.get(path)
        if hub is not None:
            return await self._connect(request, hub)
        if path.removesuffix("/negotiate") in self._hub_paths:
            return self._negotiate(request)
        if path == _PING:
            return web.Response(text="pong")
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        raw = await request.read()
        answer = self._answer(path, endpoint, self._token(request), raw)
        self._answered()
        return answer

    def _answer(self, path: str, endpoint: ServedCall, token: str | None, raw: bytes) -> web.Response:
        exchange = self._exchange
        now = exchange.now()
        calls = self._bars_calls if path == _BARS else self._other_calls
        if not calls.take(now):
            seconds = -(-calls.retry_after_ns(now) // NANOS)
            return web.Response(status=429, headers={"Retry-After": str(max(1, seconds))})
        if endpoint.needs_token and not self._tokens.valid(token, now):
            return _unauthorized()
        exchange.catch_up()
        try:
            body = msgspec.json.decode(raw or b"{}", type=endpoint.body)
            payload = endpoint.answer(body, token or "")
        except msgspec.ValidationError as error:
            return _bad_request(_field_errors(str(error)))
        except msgspec.DecodeError as error:
            return _bad_request({"$": f"The JSON value could not be read: {error}."})
        except BadRequestError as error:
            return _bad_request(error.errors)
        exchange.catch_up()
        return web.Response(body=msgspec.json.encode(payload), content_type="application/json")

    # -- hubs --------------------------------------------------------------------------------------

    def _negotiate(self, request: web.Request) -> web.Response:
        if not self._tokens.valid(self._token(request), self._exchange.now()):
            return _unauthorized()
        asked = request.query.get("negotiateVersion", "0")
        version = 1 if asked.isdecimal() and int(asked) > 0 else 0
        body = msgspec.json.encode(self._hubs.negotiate(version))
        return web.Response(body=body, content_type="application/json")

    async def _connect(self, request: web.Request, hub: HubServer) -> web.StreamResponse:
        """Open a hub: with a token, or with a connection id that was negotiated with one."""
        connection_id = request.query.get("id")
        if connection_id is not None and not self._hubs.redeem(connection_id):
            return web.Response(status=404, text="No Connection with that ID")
        if connection_id is None and not self._tokens.valid(self._token(request), self._exchange.now()):
            return _unauthorized()
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=400, text="Connection ID required")
        return await hub.serve(request)

    def _token(self, request: web.Request) -> str | None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and token:
            return token.strip()
        return request.query.get("access_token")


def _unauthorized() -> web.Response:
    return web.Response(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _bad_request(errors: Any) -> web.Response:
    """ASP.NET's ProblemDetails."""
    problem = {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": 400,
        "errors": {field: [text] for field, text in errors.items()},
        "traceId": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00",
    }
    return web.Response(
        status=400, body=msgspec.json.encode(problem), content_type="application/problem+json"
    )


def _field_errors(text: str) -> dict[str, str]:
    """The field that a decoding error is about, in ASP.NET's terms."""
    if (missing := _MISSING.search(text)) is not None:
        name, parent = missing.groups()
        return {f"{parent}.{name}" if parent else name: f"The {name} field is required."}
    at = _AT.search(text)
    return {f"$.{at.group(1)}" if at and at.group(1) else "$": "The JSON value could not be converted."}
