"""WebSockets of a twin: who is connected, what each wants to hear, and the one way out for messages.

Faults of streams act here: a message may come twice, late, in another order or not at all, a connection may
fall silent, be closed or be reset. `StreamFaults` (faults.py) plugs itself in as `Sockets.through`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from adapters.simulator.twins.account import TwinAccount

_MOST_WAITING = 20_000
"""Messages that a client may leave unread; then it is cut off."""
_LONGEST = 1_000_000

OnText = Callable[["TwinSocket", str], Awaitable[None] | None]


class TwinSocket:
    """One connection. What is sent on it leaves in order."""

    def __init__(self, kind: str, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.kind = kind
        self.request = request
        self.topics: set[Hashable] = set()
        """What it is subscribed to, in the wire's own terms."""
        self.account: TwinAccount | None = None
        """Whose it is, once it has logged in."""
        self.data: dict[str, Any] = {}
        """Whatever else the wire wants to remember with it."""
        self.muted: set[str] = set()
        """Streams that say nothing any more; "any" is all of them."""
        self.over = False
        self._socket = socket
        self._waiting: asyncio.Queue[str | bytes | None] = asyncio.Queue(_MOST_WAITING)

    def answer(self, text: str | bytes) -> None:
        """Send an answer: faults of streams don't see it. A connection that is over takes nothing."""
        if self.over or "any" in self.muted:
            return
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.reset()

    async def close(self, code: int = 1001, reason: str = "") -> None:
        """Close it as the venue does: what was sent before still leaves."""
        self.over = True
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(None)
        with suppress(ConnectionError, asyncio.TimeoutError):
            await self._socket.close(code=code, message=reason.encode())

    def reset(self) -> None:
        """Cut the connection without a word."""
        self.over = True
        if self.request.transport is not None:
            self.request.transport.abort()

    async def run(self, on_text: OnText) -> None:
        """Read to the end of the connection, and write beside it."""
        writer = asyncio.create_task(self._write())
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    text = message.data if isinstance(message.data, str) else message.data.decode()
                    done = on_text(self, text)
                    if done is not None:
                        await done
        except (ConnectionError, UnicodeDecodeError):
            pass
        finally:
            self.over = True
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self) -> None:
        with suppress(ConnectionError):
            while (text := await self._waiting.get()) is not None:
                if isinstance(text, bytes):
                    await self._socket.send_bytes(text)
                else:
                    await self._socket.send_str(text)


Through = Callable[[TwinSocket, str, str], None]
"""What becomes of a message of a stream on its way to a socket."""


def straight(socket: TwinSocket, stream: str, text: str) -> None:
    """Nothing goes wrong."""
    if stream not in socket.muted:
        socket.answer(text)


class Sockets:
    """All connections of a twin."""

    def __init__(self, poke: Callable[[], None]) -> None:
        """`poke` is called once something was asked that may need attention soon."""
        self.open: set[TwinSocket] = set()
        self.through: Through = straight
        self._poke = poke
        self._tasks: set[asyncio.Task[Any]] = set()

    async def serve(
        self,
        request: web.Request,
        kind: str,
        on_text: OnText,
        on_open: Callable[[TwinSocket], None] | None = None,
        ping_s: float | None = None,
    ) -> web.StreamResponse:
        """Run one connection to its end. Each text that comes is given to `on_text`, in order, the next once
        that has ended; what may take long there starts by `soon`. With `ping_s` the venue pings so often, in
        real seconds, and cuts off who answers none.
        """
        response = web.WebSocketResponse(heartbeat=ping_s, compress=False, timeout=1.0, max_msg_size=_LONGEST)
        await response.prepare(request)
        socket = TwinSocket(kind, response, request)
        self.open.add(socket)
        try:
            if on_open is not None:
                on_open(socket)

            async def heard(one: TwinSocket, text: str) -> None:
                done = on_text(one, text)
                if done is not None:
                    await done
                self._poke()

            await socket.run(heard)
        finally:
            self.open.discard(socket)
        return response

    def soon(self, work: Awaitable[None]) -> None:
        """Let something go on beside the reading of a connection: an answer that a fault holds up."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def having(self, topic: Hashable) -> list[TwinSocket]:
        """Connections that have subscribed to a topic."""
        return [one for one in self.open if topic in one.topics and not one.over]

    def publish(self, topic: Hashable, stream: str, text: str | Callable[[], str]) -> None:
        """Send a message of a stream to all subscribers of a topic; a callable is asked only if there are
        any.
        """
        found = self.having(topic)
        if found:
            said = text if isinstance(text, str) else text()
            for socket in found:
                self.send(socket, stream, said)

    def send(self, socket: TwinSocket, stream: str, text: str) -> None:
        """Send a message of a stream on one connection."""
        if not socket.over:
            self.through(socket, stream, text)

    def of(self, kind: str) -> list[TwinSocket]:
        """Connections of a kind, or of "any"."""
        return [one for one in self.open if kind in ("any", one.kind)]

    async def close(self) -> None:
        """Close every connection."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(one.close() for one in tuple(self.open)), return_exceptions=True)
