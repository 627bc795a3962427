"""Faults of REST calls: what happens between a client's request and the venue's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from adapters.simulator.exchange.clock import Schedule
from adapters.simulator.exchange.codes import TYPE
from adapters.simulator.faults.armed import ArmedFaults
from adapters.simulator.faults.plan import FaultOptions, Option, Seam, add_kind
from adapters.simulator.wire.json_rows import envelope
from engine.model.orders import OrderType

CALLS = {
    "login": "/api/auth/loginkey",
    "validate": "/api/auth/validate",
    "accounts": "/api/account/search",
    "contracts": "/api/contract/available",
    "contract": "/api/contract/searchbyid",
    "bars": "/api/history/retrievebars",
    "place": "/api/order/place",
    "modify": "/api/order/modify",
    "cancel": "/api/order/cancel",
    "orders": "/api/order/search",
    "open-orders": "/api/order/searchopen",
    "order-by-id": "/api/order/searchbyid",
    "query": "/api/order/v2/query",
    "positions": "/api/position/searchopen",
    "close": "/api/position/closecontract",
    "partial-close": "/api/position/partialclosecontract",
    "trades": "/api/trade/search",
    "user-hub": "/hubs/user",
    "market-hub": "/hubs/market",
}
"""Names of the calls that a fault can be about; the last two are the opening of a hub."""
NAMES = {path: name for name, path in CALLS.items()}
ANY = "any"
_LISTS = {
    "accounts": "accounts",
    "contracts": "contracts",
    "bars": "bars",
    "orders": "orders",
    "open-orders": "orders",
    "query": "orders",
    "positions": "positions",
    "trades": "trades",
}
"""The list that a query's answer holds."""
_PENDING = {"place": 6, "modify": 4, "cancel": 4, "close": 6, "partial-close": 7}
"""The code by which each call says that its outcome is not known yet
(docs/protocols/projectx.md#failure-codes).
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Handle = Callable[[], Awaitable[web.StreamResponse]]
"""Lets the venue handle the request as if nothing was wrong, or with the next fault."""


@dataclass(slots=True)
class CallContext:
    """One request that a fault acts on."""

    call: str
    request: web.Request
    options: FaultOptions
    schedule: Schedule
    closing: asyncio.Event
    answered: dict[str, bytes]
    """By call, the body of what the client was answered before."""

    async def leave_unanswered(self) -> web.Response:
        """Cut the connection, or leave the client waiting until it gives up: no answer in either case."""
        transport = self.request.transport
        while self.options.yes("hang") and transport is not None and not transport.is_closing():
            try:
                async with asyncio.timeout(0.02):
                    await self.closing.wait()
                break
            except TimeoutError:
                continue
        if transport is not None:
            transport.abort()
        return web.Response(status=499)


CallFault = Callable[[CallContext, Handle], Awaitable[web.StreamResponse]]
CALL_FAULTS: dict[str, CallFault] = {}


def _call(call: str) -> Option:
    return Option(call, "which call", (ANY, *CALLS))


_TYPE = Option("any", "only places of orders of this type", (ANY, "market", "limit", "stop"))
_HANG = Option(False, "leave the client waiting instead of cutting the connection")


def _fault(name: str, about: str, example: str, **options: Option) -> Callable[[CallFault], CallFault]:
    def add(handle: CallFault) -> CallFault:
        narrowed = {"type": _TYPE} if "place" in options["call"].choices else {}
        add_kind(name, Seam.CALL, about, example, **options, **narrowed)
        CALL_FAULTS[name] = handle
        return handle

    return add


@_fault(
    "lost-reply",
    "The venue does what is asked, but its answer never arrives.",
    "lost-reply:call=place,type=market",
    call=_call("place"),
    hang=_HANG,
)
async def _lost_reply(context: CallContext, handle: Handle) -> web.StreamResponse:
    await handle()
    return await context.leave_unanswered()


@_fault(
    "lost-request",
    "The request never reaches the venue, and nobody answers it.",
    "lost-request:call=place,hang=yes",
    call=_call("place"),
    hang=_HANG,
)
async def _lost_request(context: CallContext, _handle: Handle) -> web.StreamResponse:
    return await context.leave_unanswered()


@_fault(
    "late-reply",
    "The venue acts at once; its answer comes so many seconds later, long after a fill.",
    "late-reply:call=place,seconds=2",
    call=_call("place"),
    seconds=Option(2.0, "of venue time"),
)
async def _late_reply(context: CallContext, handle: Handle) -> web.StreamResponse:
    answer = await handle()
    await context.schedule.wait(context.options.number("seconds"))
    return answer


@_fault(
    "late-request",
    "The request travels so many seconds: the venue acts when the client may have given up.",
    "late-request:call=place,seconds=10",
    call=_call("place"),
    seconds=Option(10.0, "of venue time"),
)
async def _late_request(context: CallContext, handle: Handle) -> web.StreamResponse:
    await context.schedule.wait(context.options.number("seconds"))
    return await handle()


@_fault(
    "error-after",
    "The venue does what is asked and answers with a server error.",
    "error-after:call=place,status=502",
    call=_call("place"),
    status=Option(500, "HTTP status"),
)
async def _error_after(context: CallContext, handle: Handle) -> web.StreamResponse:
    await handle()
    return _error(context.options.count("status"))


@_fault(
    "error-before",
    "The venue does nothing and answers with a server error.",
    "error-before:call=positions,times=0,lasting=60",
    call=_call("place"),
    status=Option(503, "HTTP status"),
)
async def _error_before(context: CallContext, _handle: Handle) -> web.StreamResponse:
    return _error(context.options.count("status"))


@_fault(
    "throttled",
    "The venue does nothing: too many requests (429).",
    "throttled:call=any,times=5,seconds=3",
    call=_call(ANY),
    seconds=Option(1.0, "its Retry-After header; 0 leaves it out"),
)
async def _throttled(context: CallContext, _handle: Handle) -> web.StreamResponse:
    wait = -(-context.options.number("seconds") // 1)
    return web.Response(status=429, headers={"Retry-After": f"{wait:.0f}"} if wait else {})


@_fault(
    "garbled-reply",
    "The venue does what is asked, but the body of its answer can't be read.",
    "garbled-reply:call=place,how=html",
    call=_call("place"),
    how=Option(
        "cut", "the body is cut short, a web page, empty, or no object", ("cut", "html", "empty", "null")
    ),
)
async def _garbled_reply(context: CallContext, handle: Handle) -> web.StreamResponse:
    answer = _content(await handle())
    bodies = {
        "cut": answer[: len(answer) // 2],
        "html": b"<html><body>upstream timed out</body></html>",
        "empty": b"",
        "null": b"null",
    }
    return web.Response(body=bodies[context.options.text("how")], content_type="application/json")


@_fault(
    "refused-call",
    "The venue does nothing and answers success:false; a query's list is null.",
    "refused-call:call=positions,code=1,times=3",
    call=_call("modify"),
    code=Option(3, "errorCode of the answer; with 0 it lies: success:true"),
    text=Option("", "errorMessage of the answer; empty: null"),
    empty=Option(False, "the list is empty instead of null"),
)
async def _refused_call(context: CallContext, _handle: Handle) -> web.StreamResponse:
    payload: dict[str, Any] = {}
    if context.call in _LISTS:
        payload = {_LISTS[context.call]: [] if context.options.yes("empty") else None}
    elif context.call == "place":
        payload = {"orderId": None}
    text = context.options.text("text") or None
    return _json(envelope(payload, code=context.options.count("code"), text=text))


@_fault(
    "pending-reply",
    "The venue does what is asked and answers that the outcome is not known yet.",
    "pending-reply:call=modify",
    call=Option("modify", "which call", tuple(_PENDING)),
)
async def _pending_reply(context: CallContext, handle: Handle) -> web.StreamResponse:
    answer = msgspec.json.decode(_content(await handle()))
    if not answer.get("success"):
        return _json(answer)
    return _json(answer | {"success": False, "errorCode": _PENDING[context.call]})


@_fault(
    "stale-reply",
    "A query answers what it answered the time before.",
    "stale-reply:call=positions,times=2",
    call=Option("positions", "which call", tuple(_LISTS)),
)
async def _stale_reply(context: CallContext, handle: Handle) -> web.StreamResponse:
    before = context.answered.get(context.call)
    fresh = await handle()
    return fresh if before is None else web.Response(body=before, content_type="application/json")


@_fault(
    "refused-login",
    "Logging in fails, as after the key was changed on the platform.",
    "refused-login:code=3,times=0,lasting=120",
    call=Option("login", "which call", ("login", "validate")),
    code=Option(3, "errorCode: 3 invalid credentials, 7 agreements not signed, 9 no API subscription"),
)
async def _refused_login(context: CallContext, _handle: Handle) -> web.StreamResponse:
    field = "token" if context.call == "login" else "newToken"
    return _json(envelope({field: None}, code=context.options.count("code")))


class CallFaults:
    """Stands between the handler of all requests and the client."""

    def __init__(self, armed: ArmedFaults, follow: Callable[[str], None]) -> None:
        """`follow` is told of each call that the venue has handled."""
        self._armed = armed
        self._follow = follow
        self._answered: dict[str, bytes] = {}
        self._closing = asyncio.Event()

    def guard(self, handler: Handler) -> Handler:
        """The handler with faults in front of it. Unarmed they cost next to nothing."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            call = NAMES.get(request.path.rstrip("/").lower())
            if call is None or not (self._armed.at(Seam.CALL) or self._armed.at(Seam.MOMENT)):
                return await handler(request)
            return await self._call(call, request, handler)

        return guarded

    def close(self) -> None:
        """Let go of every client that a fault keeps waiting."""
        self._closing.set()

    async def _call(self, call: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        body: Mapping[str, Any] = {}
        with suppress(msgspec.DecodeError):
            body = msgspec.json.decode(await request.read() or b"{}", type=dict[str, Any])

        async def handled() -> web.StreamResponse:
            answer = await handler(request)
            self._follow(call)
            self._armed.schedule.advance(self._armed.clock())
            return answer

        handle: Handle = handled
        for one in self._armed.acting(Seam.CALL, call, lambda o: _concerns(o, call, body)):
            context = CallContext(
                call, request, one.fault.options, self._armed.schedule, self._closing, self._answered
            )
            handle = partial(CALL_FAULTS[one.fault.name], context, handle)
        answer = await handle()
        self._answered[call] = _content(answer)
        return answer


def _concerns(options: FaultOptions, call: str, body: Mapping[str, Any]) -> bool:
    """Whether a call with this body is an occasion for a fault with these options."""
    if options.text("call") not in (ANY, call):
        return False
    wanted = options.text("type") if "type" in options.values else ANY
    return wanted == ANY or TYPE[OrderType(wanted)] == body.get("type")


def _content(answer: web.StreamResponse) -> bytes:
    """The body of an answer; empty for a hub's."""
    body = answer.body if isinstance(answer, web.Response) else b""
    return body if isinstance(body, bytes) else b""


def _json(payload: Mapping[str, Any]) -> web.Response:
    return web.Response(body=msgspec.json.encode(payload), content_type="application/json")


def _error(status: int) -> web.Response:
    return web.Response(status=status, text="the server could not complete the request")
