"""Faults of REST calls: what happens between a client's request and the venue's answer."""

from __future__ import annotations

import asyncio
import itertools
import zlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from adapters.simulator.exchange.clock import Schedule
from adapters.simulator.exchange.codes import PLACEABLE, TYPE
from adapters.simulator.fault_plan.armed import ArmedFaults
from adapters.simulator.fault_plan.plan import ANY, FaultOptions, FaultyAccount, Option, Seam, of_account
from adapters.simulator.faults.catalogue import add_kind
from adapters.simulator.wire.projectx.json_rows import envelope

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

_DEEP = 100_000
_MEGABYTE = 1_000_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class CallContext:
    """One request that a fault acts on."""

    call: str
    request: web.Request
    options: FaultOptions
    schedule: Schedule
    closing: asyncio.Event
    answered: bytes | None
    """What the client was answered before, to the same call about the same account."""
    handle: Callable[[], Awaitable[web.StreamResponse]]
    """Lets the venue handle the request as if nothing was wrong, or with the next fault."""

    async def wait(self) -> None:
        await self.schedule.wait(self.options.number("seconds"))


CallFault = Callable[[CallContext], Awaitable[web.StreamResponse]]


def _call(call: str, *choices: str) -> Option:
    return Option(call, "which call", choices or (ANY, *CALLS))


_HANG = Option(False, "leave the client waiting instead of cutting the connection")


def _fault(
    name: str, about: str, example: str, call: Option, **options: Option
) -> Callable[[CallFault], CallFault]:
    options["account"] = of_account("whatever it is about")
    if "place" in call.choices:
        options["type"] = Option(ANY, "only places of orders of this type", (ANY, *TYPE))
    return add_kind(name, Seam.CALL, about, example, call=call, **options)


@_fault(
    "lost-request",
    "The request never reaches the venue, and nobody answers it.",
    "lost-request:call=place,hang=yes",
    _call("place"),
    hang=_HANG,
)
async def _unanswered(context: CallContext) -> web.StreamResponse:
    """Cut the connection, or leave the client waiting until it gives up: no answer in either case."""
    transport = context.request.transport
    while context.options.yes("hang") and transport is not None and not transport.is_closing():
        try:
            async with asyncio.timeout(0.02):
                await context.closing.wait()
            break
        except TimeoutError:
            continue
    if transport is not None:
        transport.abort()
    return web.Response(status=499)


@_fault(
    "error-before",
    "The venue does nothing and answers with a server error.",
    "error-before:call=positions,times=0,lasting=60",
    _call("place"),
    status=Option(503, "HTTP status"),
)
async def _error(context: CallContext) -> web.StreamResponse:
    return web.Response(
        status=context.options.count("status"), text="the server could not complete the request"
    )


@_fault(
    "lost-reply",
    "The venue does what is asked, but its answer never arrives.",
    "lost-reply:call=place,type=market",
    _call("place"),
    hang=_HANG,
)
async def _lost_reply(context: CallContext) -> web.StreamResponse:
    await context.handle()
    return await _unanswered(context)


@_fault(
    "error-after",
    "The venue does what is asked and answers with a server error.",
    "error-after:call=place,status=502",
    _call("place"),
    status=Option(500, "HTTP status"),
)
async def _error_after(context: CallContext) -> web.StreamResponse:
    await context.handle()
    return await _error(context)


@_fault(
    "late-reply",
    "The venue acts at once; its answer comes so many seconds later, long after a fill.",
    "late-reply:call=place,seconds=2",
    _call("place"),
    seconds=Option(2.0, "of venue time"),
)
async def _late_reply(context: CallContext) -> web.StreamResponse:
    answer = await context.handle()
    await context.wait()
    return answer


@_fault(
    "late-request",
    "The request travels so many seconds: the venue acts when the client may have given up.",
    "late-request:call=place,seconds=10",
    _call("place"),
    seconds=Option(10.0, "of venue time"),
)
async def _late_request(context: CallContext) -> web.StreamResponse:
    await context.wait()
    return await context.handle()


@_fault(
    "throttled",
    "The venue does nothing: too many requests (429).",
    "throttled:call=any,times=5,seconds=3",
    _call(ANY),
    seconds=Option(1.0, "its Retry-After header, which may be a day (86400); 0 leaves it out"),
)
async def _throttled(context: CallContext) -> web.StreamResponse:
    wait = -(-context.options.number("seconds") // 1)
    return web.Response(status=429, headers={"Retry-After": f"{wait:.0f}"} if wait else {})


@_fault(
    "garbled-reply",
    "The venue does what is asked, but the body of its answer can't be read.",
    "garbled-reply:call=place,how=html",
    _call("place"),
    how=Option(
        "cut",
        "the body is cut short, a web page, empty, no object, or nested 100,000 levels deep",
        ("cut", "html", "empty", "null", "deep"),
    ),
)
async def _garbled_reply(context: CallContext) -> web.StreamResponse:
    answer = _content(await context.handle())
    bodies = {
        "cut": answer[: len(answer) // 2],
        "html": b"<html><body>upstream timed out</body></html>",
        "empty": b"",
        "null": b"null",
        "deep": b"[" * _DEEP + b"]" * _DEEP,
    }
    return _body(bodies[context.options.text("how")])


@_fault(
    "huge-reply",
    "The venue does what is asked; before its answer come so many megabytes of white space.",
    "huge-reply:call=trades,megabytes=1000,packed=yes",
    call=_call("positions"),
    megabytes=Option(200, "of the body, once it is unpacked"),
    packed=Option(False, "compressed to a thousandth of that"),
)
async def _huge_reply(context: CallContext) -> web.StreamResponse:
    answer = _content(await context.handle())
    packed = context.options.yes("packed")
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    head, block, end = b"", b" " * _MEGABYTE, answer
    if packed:
        response.headers["Content-Encoding"] = "gzip"
        packer = zlib.compressobj(wbits=31)
        head = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
        block = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
        end = packer.compress(answer) + packer.flush()
    with suppress(ConnectionError):  # the client has had enough
        await response.prepare(context.request)
        for piece in (head, *itertools.repeat(block, context.options.count("megabytes") - packed), end):
            await response.write(piece)
        await response.write_eof()
    return response


@_fault(
    "refused-call",
    "The venue does nothing and answers success:false; a query's list is null.",
    "refused-call:call=positions,code=1,times=3",
    _call("modify"),
    code=Option(3, "errorCode of the answer; with 0 it lies: success:true"),
    text=Option("", "errorMessage of the answer; empty: null"),
    empty=Option(False, "the list is empty instead of null"),
)
async def _refused_call(context: CallContext) -> web.StreamResponse:
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
    _call("modify", *_PENDING),
)
async def _pending_reply(context: CallContext) -> web.StreamResponse:
    answer = msgspec.json.decode(_content(await context.handle()))
    if answer.get("success"):
        answer |= {"success": False, "errorCode": _PENDING[context.call]}
    return _json(answer)


@_fault(
    "stale-reply",
    "A query answers what it answered the time before.",
    "stale-reply:call=positions,times=2",
    _call("positions", *_LISTS),
)
async def _stale_reply(context: CallContext) -> web.StreamResponse:
    fresh = await context.handle()
    return fresh if context.answered is None else _body(context.answered)


@_fault(
    "refused-login",
    "Logging in fails, as after the key was changed on the platform.",
    "refused-login:code=3,times=0,lasting=120",
    _call("login", "login", "validate"),
    code=Option(3, "errorCode: 3 invalid credentials, 7 agreements not signed, 9 no API subscription"),
)
async def _refused_login(context: CallContext) -> web.StreamResponse:
    field = "token" if context.call == "login" else "newToken"
    return _json(envelope({field: None}, code=context.options.count("code")))


class CallFaults:
    """Stands between the handler of all requests and the client."""

    def __init__(
        self,
        armed: ArmedFaults,
        follow: Callable[[str, FaultyAccount | None], None],
        accounts: Mapping[int, FaultyAccount],
    ) -> None:
        """`follow` is told of each call that the venue has handled, and of the account that it is about."""
        self._armed = armed
        self._follow = follow
        self._accounts = accounts
        self._answered: dict[tuple[str, FaultyAccount | None], bytes] = {}
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

        account = self._about(body)

        async def handled() -> web.StreamResponse:
            answer = await handler(request)
            self._follow(call, account)
            self._armed.schedule.advance(self._armed.clock())
            return answer

        handle: Callable[[], Awaitable[web.StreamResponse]] = handled
        kind = PLACEABLE.get(body.get("type", 0), "") if call == "place" else ""
        before = self._answered.get((call, account))
        for one in self._armed.acting(Seam.CALL, call, account, call=call, type=kind):
            options, schedule = one.fault.options, self._armed.schedule
            context = CallContext(call, request, options, schedule, self._closing, before, handle)
            handle = partial(one.kind.act, context)
        answer = await handle()
        self._answered[call, account] = _content(answer)
        return answer

    def _about(self, body: Mapping[str, Any]) -> FaultyAccount | None:
        of = body.get("filter", body)
        return self._accounts.get(of.get("accountId", 0)) if isinstance(of, dict) else None


def _content(answer: web.StreamResponse) -> bytes:
    """The body of an answer; empty for a hub's."""
    body = answer.body if isinstance(answer, web.Response) else b""
    return body if isinstance(body, bytes) else b""


def _json(payload: Mapping[str, Any]) -> web.Response:
    return _body(msgspec.json.encode(payload))


def _body(content: bytes) -> web.Response:
    return web.Response(body=content, content_type="application/json")
