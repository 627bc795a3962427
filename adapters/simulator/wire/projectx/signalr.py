"""The server's side of one SignalR connection: JSON records over a WebSocket
(docs/protocols/projectx.md#framing).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import ClientConnectionResetError, WSMsgType, web

SEPARATOR = "\x1e"
_INVOCATION, _COMPLETION, _PING, _CLOSE = 1, 3, 6, 7
_MOST_WAITING = 8_000_000
"""Characters that may wait for a slow client before it is dropped."""

log = logging.getLogger(__name__)


class HubTiming(msgspec.Struct, frozen=True):
    """Keep-alive of a connection, seconds of real time."""

    ping_s: float = 15.0
    silence_s: float = 30.0
    """A client that sends nothing for so long is dropped."""
    handshake_s: float = 15.0
    split_every: int = 0
    """Each so many-th batch is cut inside a record and sent as two messages; 0 never. Some client libraries
    can't join them again, though the protocol asks it of them."""


class HubError(Exception):
    """A call that the hub answers with an error completion."""


class _Record(msgspec.Struct):
    type: int = 0
    protocol: str | None = None
    target: str | None = None
    arguments: list[Any] = msgspec.field(default_factory=list)
    invocation_id: str | None = msgspec.field(default=None, name="invocationId")


_decoder = msgspec.json.Decoder(_Record)


class Connection:
    """One client of a hub. Records to it gather and leave together as soon as the socket takes them."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        invoke: Callable[[Connection, str, list[Any]], None],
        timing: HubTiming,
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._invoke = invoke
        self._timing = timing
        self._waiting: list[str] = []
        self._size = 0
        self._batches = 0
        self._ready = asyncio.Event()
        self._heard = asyncio.get_running_loop().time()
        self._rest = ""

    def send(self, record: str) -> None:
        """Queue one record, JSON without its separator; a client that can't keep up is dropped."""
        self._waiting.append(record)
        self._size += len(record)
        self._ready.set()
        if self._size > _MOST_WAITING:
            log.warning("a hub client is too slow and is dropped")
            self.abort()

    def abort(self) -> None:
        """End the connection without a word."""
        self._waiting.clear()
        self._size = 0
        if self._transport is not None:
            self._transport.abort()

    async def close(self, error: str | None = None, last: str | None = None) -> None:
        """Say goodbye and close; `last` is a record that goes out before it."""
        record: dict[str, Any] = {"type": _CLOSE, "allowReconnect": True}
        if error is not None:
            record["error"] = error
        with suppress(ClientConnectionResetError, ConnectionError):
            if last is not None:
                await self._socket.send_str(last + SEPARATOR)
            await self._socket.send_str(_encode(record))
            await self._socket.close()

    async def run(self) -> None:
        """Shake hands, then serve until the client leaves or falls silent."""
        rest = await self._handshake()
        if rest is None:
            return
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._keep_alive())]
        try:
            self._take(rest)
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._heard = asyncio.get_running_loop().time()
                    self._take(message.data)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _handshake(self) -> str | None:
        """Answer the first record, which names the protocol; gives what came after it, or None to give up.

        The version is not looked at: clients send 0 and 1.
        """
        text = ""
        try:
            async with asyncio.timeout(self._timing.handshake_s):
                while SEPARATOR not in text:
                    message = await self._socket.receive()
                    if message.type is not WSMsgType.TEXT:
                        return None
                    text += message.data
        except TimeoutError:
            await self._socket.close()
            return None
        first, _, rest = text.partition(SEPARATOR)
        error = None
        try:
            if (protocol := _decoder.decode(first).protocol) != "json":
                error = f"The protocol '{protocol}' is not supported."
        except msgspec.DecodeError:
            error = "An unexpected error occurred during connection handshake."
        if error is not None:
            await self._socket.send_str(_encode({"error": error}))
            await self._socket.close()
            return None
        await self._socket.send_str("{}" + SEPARATOR)
        return rest

    def _take(self, text: str) -> None:
        """Handle the whole records in what came, keep the rest: a record may come in pieces."""
        *records, self._rest = (self._rest + text).split(SEPARATOR)
        for raw in records:
            try:
                record = _decoder.decode(raw)
            except msgspec.DecodeError:
                log.warning("a hub client sent a record that is no JSON object")
                continue
            if record.type == _INVOCATION:
                self._call(record)

    def _call(self, record: _Record) -> None:
        error: str | None = None
        try:
            self._invoke(self, record.target or "", record.arguments)
        except HubError as refused:
            error = (
                f"Failed to invoke '{record.target}' due to an error on the server. HubException: {refused}"
            )
        if record.invocation_id is None:
            return
        answer: dict[str, Any] = {"type": _COMPLETION, "invocationId": record.invocation_id}
        answer |= {"result": None} if error is None else {"error": error}
        self.send(msgspec.json.encode(answer).decode())

    async def _write(self) -> None:
        with suppress(ClientConnectionResetError, ConnectionError):
            while True:
                await self._ready.wait()
                self._ready.clear()
                if not self._waiting:
                    continue
                batch = SEPARATOR.join(self._waiting) + SEPARATOR
                self._waiting.clear()
                self._size = 0
                for part in self._parts(batch):
                    await self._socket.send_str(part)

    def _parts(self, batch: str) -> tuple[str, ...]:
        self._batches += 1
        every = self._timing.split_every
        if every and self._batches % every == 0:
            middle = len(batch) // 2
            return batch[:middle], batch[middle:]
        return (batch,)

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        timing = self._timing
        pinged = loop.time()
        while True:
            due = min(pinged + timing.ping_s, self._heard + timing.silence_s)
            await asyncio.sleep(max(0.0, due - loop.time()))
            now = loop.time()
            if now >= self._heard + timing.silence_s:
                log.info("a hub client was silent for %s s and is dropped", timing.silence_s)
                await self.close("Connection closed with an error.")
                return
            if now >= pinged + timing.ping_s:
                self.send(f'{{"type":{_PING}}}')
                pinged = now


def _encode(record: dict[str, Any]) -> str:
    return msgspec.json.encode(record).decode() + SEPARATOR
