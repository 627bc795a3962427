"""One connection to a SignalR hub, JSON protocol over WebSockets without negotiation.

A Hub lives from handshake to close and never reconnects: the link makes a new one. Control records are
encoded by signalrcore's protocol classes; records from the hub are decoded by msgspec, with the arguments
of an invocation left raw for whoever knows their shape.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
from msgspec import Raw, Struct
from signalrcore.messages.handshake.request import HandshakeRequestMessage
from signalrcore.messages.invocation_message import InvocationMessage
from signalrcore.messages.ping_message import PingMessage
from signalrcore.protocol.json_hub_protocol import JsonHubProtocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from adapters.common.fault_words import INTERNAL, fault_words
from adapters.common.redaction import scrub
from adapters.common.typed_json import UNREADABLE
from adapters.projectx.config import Timing
from adapters.projectx.wire import unread

SEPARATOR = b"\x1e"
LARGEST_RECORD = 4 * 1024 * 1024
"""Bytes. The first market depth of a busy contract is about 0.3 MB; more than this is no record."""
_MOST_RECORDS = 500_000
"""In ten seconds. The open brings a thousandth of that; memory is not to grow with a flood."""
_FLOOD_S = 10.0
_AT_ONCE = 250
"""Records that are taken in before the engine has its turn: a hub that was held up sends thousands in one,
and each is an event that would wait.
"""
_MOST_FRAMES = 4
"""Frames that wait here; what is more stays on its way, where it takes less room."""
_INVOCATION, _COMPLETION, _PING, _CLOSE = 1, 3, 6, 7

# The library logs request lines, and ours hold the token.
_quiet = logging.getLogger(f"{__name__}.socket")
_quiet.setLevel(logging.WARNING)

Receive = Callable[[str, Raw], None]
"""Takes target and arguments of an invocation by the hub; must not raise for bad data, must not block."""
Take = Callable[[bytes], bool]
"""Reads a whole record by itself if it is of the kind that comes most; what it leaves (False) goes the usual
way. It must neither raise for bad data nor block."""
Junk = Callable[[str, bytes], None]
"""Takes the reason and the bytes of a record that is not SignalR."""


def _nothing(_record: bytes) -> bool:
    return False


class HubClosed(Exception):
    """The connection is gone or never came; the text says why and holds no secret."""


class HubUnauthorized(HubClosed):
    """The hub did not accept the token."""


class InvocationFailed(Exception):
    """The hub answered a call with an error."""


class HubRecord(Struct, rename="camel"):
    type: int = 0
    target: str = ""
    arguments: Raw = Raw(b"[]")
    invocation_id: str | None = None
    error: str | None = None


class _HandshakeReply(Struct):
    error: str | None = None


class RecordSplitter:
    """Turns frames into records: many may share a frame, and one may be spread over several."""

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The records completed by this chunk, without their separator; empty ones are left out.

        Raises ValueError when a record outgrows LARGEST_RECORD.
        """
        end = chunk.find(SEPARATOR)
        if not self._parts and end == len(chunk) - 1:
            return [chunk[:-1]] if len(chunk) > 1 else []
        if end < 0:
            records = []
            self._parts.append(chunk)
            self._size += len(chunk)
        else:
            *records, rest = b"".join((*self._parts, chunk)).split(SEPARATOR)
            self._parts, self._size = [rest] if rest else [], len(rest)
        if self._size > LARGEST_RECORD:
            raise ValueError(f"a record of more than {LARGEST_RECORD} bytes")
        return [record for record in records if record]


_protocol = JsonHubProtocol()
_record = msgspec.json.Decoder(HubRecord)
_handshake_reply = msgspec.json.Decoder(_HandshakeReply)
_HANDSHAKE: str = _protocol.encode(HandshakeRequestMessage("json", 1))
_PING_RECORD: str = _protocol.encode(PingMessage())


class Hub:
    """An open connection. `closed` is done, with the reason, when it has ended."""

    def __init__(
        self, socket: ClientConnection, receive: Receive, junk: Junk, timing: Timing, take: Take
    ) -> None:
        self._socket = socket
        self._receive = receive
        self._junk = junk
        self._take = take
        self._timing = timing
        self._loop = asyncio.get_running_loop()
        self._splitter = RecordSplitter()
        self._calls: dict[str, asyncio.Future[None]] = {}
        self._ids = count(1)
        self._heard = self._loop.time()
        self._tasks: list[asyncio.Task[None]] = []
        self.closed: asyncio.Future[str] = self._loop.create_future()

    @classmethod
    async def connect(
        cls, url: str, token: str, receive: Receive, junk: Junk, timing: Timing, take: Take = _nothing
    ) -> Hub:
        """Open the socket and shake hands. Raises HubUnauthorized, HubClosed."""
        try:
            socket = await connect(
                socket_url(url, token),
                open_timeout=timing.handshake_s,
                close_timeout=1.0,
                ping_interval=None,  # SignalR has its own keep-alive, in both directions
                compression=None,
                max_size=LARGEST_RECORD,
                max_queue=_MOST_FRAMES,
                proxy=None,
                logger=_quiet,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            kind = HubUnauthorized if status in (401, 403) else HubClosed
            raise kind(f"the hub answered the upgrade with HTTP {status}") from None
        except (WebSocketException, OSError, TimeoutError, ValueError) as error:
            raise HubClosed(_told("the hub can't be reached", error, token)) from None
        hub = cls(socket, receive, junk, timing, take)
        try:
            await hub._shake_hands()
        except BaseException:
            await socket.close()
            raise
        return hub

    async def invoke(self, target: str, *arguments: object) -> None:
        """Call a hub method and wait for its completion. Raises InvocationFailed, HubClosed."""
        if self.closed.done():
            raise HubClosed(self.closed.result())
        invocation_id = str(next(self._ids))
        call = self._calls[invocation_id] = self._loop.create_future()
        message = InvocationMessage(invocation_id, target, list(arguments), headers={})
        try:
            async with asyncio.timeout(self._timing.invoke_s):
                await self._socket.send(_protocol.encode(message))
                await call
        except TimeoutError:
            raise HubClosed(f"{target} was not acknowledged in {self._timing.invoke_s:g} s") from None
        except ConnectionClosed as error:
            raise HubClosed(_told("the connection to the hub broke", error)) from None
        finally:
            del self._calls[invocation_id]
            if not call.cancel() and not call.cancelled():
                call.exception()  # seen: the socket's own error may have come first

    async def close(self, reason: str = "closed by us") -> None:
        """End the connection; safe to call twice."""
        self._end(reason)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()

    def abandon(self, reason: str) -> None:
        """Mark the connection as ended, from inside a callback; its owner then closes it."""
        self._end(reason)

    async def _shake_hands(self) -> None:
        try:
            async with asyncio.timeout(self._timing.handshake_s):
                await self._socket.send(_HANDSHAKE)
                records: list[bytes] = []
                while not records:
                    records = self._splitter.feed(await self._socket.recv(decode=False))
            reply = _handshake_reply.decode(records[0])
        except TimeoutError:
            raise HubClosed(f"no handshake within {self._timing.handshake_s:g} s") from None
        except (ConnectionClosed, ValueError, *UNREADABLE) as error:
            raise HubClosed(_told("the hub takes no handshake", error)) from None
        if reply.error is not None:
            raise HubClosed(f"the hub refused the handshake: {scrub(reply.error)}")
        self._heard = self._loop.time()
        self._tasks = [
            asyncio.create_task(self._read(records[1:]), name="hub-read"),
            asyncio.create_task(self._keep_alive(), name="hub-ping"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._task_done)

    async def _read(self, early: list[bytes]) -> None:
        """`early` came in the same frame as the handshake's answer."""
        records, feed, recv = early, self._splitter.feed, self._socket.recv
        count, since = 0, self._heard
        try:
            while True:
                for number, record in enumerate(records, 1):
                    self._handle(record)
                    if number % _AT_ONCE == 0:
                        await asyncio.sleep(0)
                records = feed(await recv(decode=False))
                self._heard = now = self._loop.time()
                count += len(records)
                if now - since > _FLOOD_S:
                    count, since = 0, now
                elif count > _MOST_RECORDS:
                    raise ValueError(f"more than {_MOST_RECORDS} records in {_FLOOD_S:g} s")
        except (ConnectionClosed, ValueError) as error:
            self._end(_told("the connection to the hub broke", error))

    def _handle(self, raw: bytes) -> None:
        if self._take(raw):
            return
        try:
            record = _record.decode(raw)
        except UNREADABLE as error:
            self._junk(unread(error), raw)
            return
        if record.type == _INVOCATION:
            self._receive(record.target, record.arguments)
        elif record.type == _COMPLETION:
            self._complete(record)
        elif record.type == _CLOSE:
            self._end(f"the hub closed the connection: {scrub(record.error or 'no reason given')}")
        elif record.type != _PING:
            self._junk(f"record type {record.type}", raw)

    def _complete(self, record: HubRecord) -> None:
        call = self._calls.get(record.invocation_id or "")
        if call is None or call.done():
            return
        if record.error is None:
            call.set_result(None)
        else:
            call.set_exception(InvocationFailed(scrub(record.error)))

    async def _keep_alive(self) -> None:
        """Ping, and notice when the hub has gone silent altogether."""
        ping_at = self._loop.time() + self._timing.ping_s
        while True:
            dead_at = self._heard + self._timing.dead_s
            await asyncio.sleep(max(0.0, min(ping_at, dead_at) - self._loop.time()))
            now = self._loop.time()
            if now >= self._heard + self._timing.dead_s:
                self._end(f"no record from the hub for {self._timing.dead_s:g} s")
                return
            if now >= ping_at:
                ping_at = now + self._timing.ping_s
                try:
                    await self._socket.send(_PING_RECORD)
                except ConnectionClosed as error:
                    self._end(_told("the connection to the hub broke", error))
                    return

    def _task_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # A fault of ours in a callback: the connection ends visibly instead of falling silent.
            logging.getLogger(__name__).error("hub task failed", exc_info=error)
            self._end(INTERNAL)

    def _end(self, reason: str) -> None:
        if not self.closed.done():
            self.closed.set_result(reason)
        for call in self._calls.values():
            if not call.done():
                call.set_exception(HubClosed(reason))


def socket_url(url: str, token: str) -> str:
    """The hub's ws(s) address with the token, as the gateway wants it. A secret: never log it."""
    parts = urlsplit(url)
    scheme = {"https": "wss", "http": "ws"}.get(parts.scheme, parts.scheme)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit((scheme, parts.netloc, parts.path, f"{query}access_token={quote(token, safe='')}", ""))


def _told(what: str, error: Exception, *secrets: str) -> str:
    words = unread(error) if isinstance(error, UNREADABLE) else fault_words(error, *secrets)
    return f"{what}: {words}"
