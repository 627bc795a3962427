"""The WebSocket /ws: what has changed, a few times a second, the same bytes for all who see the same.

A client that reads too slowly is skipped, and gets everything as it is then: it holds up nobody, and nothing
is kept for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import msgspec
from aiohttp import WSMsgType, web
from msgspec import Struct

from adapters.common.pacing import TokenBucket
from adapters.control.rest.looking import as_ticker
from adapters.control.rest.service import ApiService, Caller
from adapters.control.rest.shapes import TickerRow
from adapters.control.tokens import Token
from engine.model.notices import Notice
from engine.model.view import BookView, HealthView, OrderView, PositionView, TradeView, View

log = logging.getLogger(__name__)

PERIOD_S = 0.25
SHARE = 0.2
"""Sending may take this part of the time; with very many clients the updates become fewer."""
STALLED_S = 30.0
"""Who takes nothing for so long is hung up on."""
HEARTBEAT_S = 30.0
MESSAGE_BYTES = 4096
"""Of what a client sends."""
_PROOF_S = 5.0
"""So often it is looked whether the tokens still count."""
_LEAVE_S = 1.0
_BUFFER = 8 * 1024 * 1024
_TOGETHER = 20
"""So many are sent to before others have their turn."""


class LiveUpdate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has changed since the last message; a `snapshot` has everything."""

    type: str
    """"snapshot": first, and after a time in which the client did not read; "update"; "error"."""
    ts: int = 0
    health: HealthView | None = None
    tickers: tuple[TickerRow, ...] | None = None
    """Of the contracts whose prices have changed."""
    positions: tuple[PositionView, ...] | None = None
    """All of them, like orders and books."""
    orders: tuple[OrderView, ...] | None = None
    books: tuple[BookView, ...] | None = None
    trades: tuple[TradeView, ...] | None = None
    """The newest finished ones."""
    notices: tuple[Notice, ...] | None = None
    """New ones. `text` may hold words from outside."""
    message: str | None = None
    """Of an error."""


class LiveRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a client may say."""

    subscribe: tuple[str, ...]
    """Symbols whose prices it wants, in place of those of its token; an empty list means all."""


class _Client:
    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.WriteTransport, who: Caller) -> None:
        self.ws, self.transport, self.who = ws, transport, who
        self.symbols: frozenset[str] | None = None
        """Of its own; None takes those of its token."""
        self.behind = True
        self.stalled_since: float | None = None


class LiveUpdates:
    def __init__(self, api: ApiService, counts: Callable[[Token], bool] = lambda token: True) -> None:
        """`counts` tells whether a token still does."""
        self._api = api
        self._counts = counts
        self._clients: set[_Client] = set()
        self._task: asyncio.Task[None] | None = None
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(LiveRequest)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="live updates")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        leaving = [client.ws.close(code=1001, message=b"the engine ends") for client in self._clients]
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await asyncio.gather(*leaving, return_exceptions=True)

    async def serve(self, request: web.Request, who: Caller) -> web.WebSocketResponse:
        """One client, until it leaves."""
        ws = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_BYTES, compress=False)
        await ws.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.WriteTransport):
            return ws  # it has gone already
        transport.set_write_buffer_limits(high=_BUFFER)
        client = _Client(ws, transport, who)
        self._clients.add(client)
        self._api.live = len(self._clients)
        self._api.access.attached(who.visitor)
        try:
            await self._hear(client)
        finally:
            self._clients.discard(client)
            self._api.live = len(self._clients)
            self._api.access.left(who.visitor)
        return ws

    async def _hear(self, client: _Client) -> None:
        pace = TokenBucket(10, 1.0)
        async for message in client.ws:
            now = asyncio.get_running_loop().time()
            if pace.wait_s(now) > 0:
                await client.ws.close(code=1008, message=b"too many messages")
                return
            pace.take(now)
            if message.type is not WSMsgType.TEXT:
                await self._complain(client, "a message is JSON text")
                continue
            try:
                wanted = self._decoder.decode(message.data)
            except (msgspec.MsgspecError, RecursionError, ValueError) as error:
                await self._complain(client, f"not understood: {error}")
                continue
            known = {one.instrument for one in (await self._api.view()).contracts}
            if strange := sorted(set(wanted.subscribe) - known):
                await self._complain(client, f"not watched by this engine: {', '.join(strange)[:200]}")
                continue
            client.symbols = frozenset(wanted.subscribe or known)
            client.behind = True

    async def _complain(self, client: _Client, why: str) -> None:
        text = self._encoder.encode(LiveUpdate(type="error", message=why)).decode()
        await client.ws.send_str(text)

    # --- what goes out ----------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        last: View | None = None
        proved, pause_s = loop.time(), PERIOD_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = PERIOD_S
            if not self._clients:
                last = None
                continue
            try:
                view = await self._api.view()
                began = loop.time()
                if began - proved >= _PROOF_S:
                    proved = began
                    await self._prove()
                waiting = any(client.behind for client in self._clients)
                if waiting or last is None or view.version != last.version:
                    await self._tell(_Frames(self._encoder, last, view), began)
                    last = view
            except Exception:
                log.exception("live updates failed; the next View is read anew")
                last = None
                continue
            pause_s = max(PERIOD_S, (loop.time() - began) / SHARE)

    async def _prove(self) -> None:
        for client in list(self._clients):
            if not self._counts(client.who.token):
                await client.ws.close(code=1008, message=b"the token does not count any more")

    async def _tell(self, frames: _Frames, now: float) -> None:
        for number, client in enumerate(list(self._clients)):
            if number % _TOGETHER == _TOGETHER - 1:
                await asyncio.sleep(0)
            if client.ws.closed or client.transport.is_closing():
                continue
            if client.transport.get_write_buffer_size():
                client.behind = True
                client.stalled_since = client.stalled_since or now
                if now - client.stalled_since > STALLED_S:
                    client.transport.abort()
                continue
            client.stalled_since = None
            symbols = client.symbols
            if symbols is None:
                symbols = self._api.wanted.get(client.who.token.id)
            text = frames.of(symbols, whole=client.behind)
            client.behind = False
            if text:
                with suppress(ConnectionError):
                    await client.ws.send_str(text)


class _Frames:
    """What is sent in one round, made once for all who want the same."""

    def __init__(self, encoder: msgspec.json.Encoder, last: View | None, view: View) -> None:
        self._encoder, self._last, self._view = encoder, last, view
        self._made: dict[tuple[frozenset[str] | None, bool], str] = {}

    def of(self, symbols: frozenset[str] | None, *, whole: bool) -> str:
        """As text; empty where nothing has changed."""
        key = symbols, whole
        if key not in self._made:
            update = changed(None if whole else self._last, self._view, symbols)
            self._made[key] = self._encoder.encode(update).decode() if update is not None else ""
        return self._made[key]


def changed(last: View | None, view: View, symbols: frozenset[str] | None = None) -> LiveUpdate | None:
    """What is new in a View since another; everything where there is none before; None where nothing is."""
    whole = last is None
    known = {} if last is None else {one.instrument: one for one in last.contracts}
    tickers = []
    for one in view.contracts:
        if symbols is not None and one.instrument not in symbols:
            continue
        before = known.get(one.instrument)
        if before is None or _prices(before) != _prices(one):
            tickers.append(as_ticker(one))
    seen = 0 if last is None else max((notice.seq for notice in last.notices), default=0)
    notices = tuple(one for one in view.notices if whole or one.seq > seen)
    update = LiveUpdate(
        type="snapshot" if whole else "update",
        ts=view.ts,
        health=view.health if last is None or _state(last.health) != _state(view.health) else None,
        tickers=tuple(tickers) or None,
        positions=view.positions if last is None or view.positions != last.positions else None,
        orders=view.orders if last is None or view.orders != last.orders else None,
        books=view.books if last is None or view.books != last.books else None,
        trades=view.trades if last is None or view.trades != last.trades else None,
        notices=notices or None,
    )
    told = (update.health, update.tickers, update.positions, update.orders, update.books, update.trades)
    return update if whole or notices or any(one is not None for one in told) else None


def _prices(one: object) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in ("bid", "ask", "last", "stale", "state", "position_qty"))


def _state(health: HealthView) -> tuple[bool, str, bool]:
    return health.ok, health.detail, health.stopped
