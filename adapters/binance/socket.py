"""One WebSocket connection to Binance: frames in, requests out, and when it has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from adapters.binance.config import BinanceTiming
from adapters.common.fault_words import fault_words

LARGEST_FRAME = 4 * 1024 * 1024
"""Bytes. The largest record, depth of a busy symbol, has a thousandth of that."""
_PING_S = 20.0

# The library logs request lines; the address of a stream is no secret, but nobody reads them.
_quiet = logging.getLogger(f"{__name__}.library")
_quiet.setLevel(logging.WARNING)

_encoder = msgspec.json.Encoder()
Receive = Callable[[bytes], None]
"""Takes a frame; must neither raise nor block."""


class SocketLost(Exception):
    """The connection is gone or never came; the text says why and holds no secret."""


class SpotSocket:
    """An open connection. `closed` is done, with the reason, when it has ended."""

    def __init__(self, socket: ClientConnection, receive: Receive, timing: BinanceTiming) -> None:
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[str] = loop.create_future()
        self.since = loop.time()
        self.leaving = False
        """The server has said that it goes."""
        self._socket = socket
        self._receive = receive
        self._timing = timing
        self._numbers = count(1)
        self._asked: dict[str, asyncio.Future[bytes]] = {}
        self._reader = asyncio.create_task(self._read(), name="binance-socket")

    @classmethod
    async def connect(cls, url: str, receive: Receive, timing: BinanceTiming) -> SpotSocket:
        """Raises SocketLost."""
        try:
            # The venue pings every 20 s, which the library answers; our own pings show a dead line.
            socket = await connect(
                url,
                open_timeout=timing.connect_s,
                close_timeout=1.0,
                ping_interval=_PING_S,
                ping_timeout=max(1.0, timing.dead_s - _PING_S),
                max_size=LARGEST_FRAME,
                max_queue=1024,
                compression=None,
                proxy=None,
                logger=_quiet,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise SocketLost(fault_words(error)) from None
        return cls(socket, receive, timing)

    async def ask(self, request: dict[str, Any]) -> bytes:
        """Send a request under a number of its own; gives the frame that answers it. Raises SocketLost."""
        number = str(next(self._numbers))
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            await self._socket.send(_encoder.encode({**request, "id": number}).decode())
            either: set[asyncio.Future[Any]] = {answer, self.closed}
            await asyncio.wait(
                either,
                timeout=self._timing.subscribe_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        except ConnectionClosed as error:
            raise SocketLost(fault_words(error)) from None
        finally:
            self._asked.pop(number, None)
        if answer.done():
            return answer.result()
        raise SocketLost(self.closed.result() if self.closed.done() else "a request was not answered")

    def answered(self, number: object, frame: bytes) -> None:
        """A frame that answers the request of a number; of none that was asked it goes nowhere."""
        answer = self._asked.get(str(number))
        if answer is not None and not answer.done():
            answer.set_result(frame)

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        if not self.closed.done():
            self.closed.set_result("closed by us")
        await self._socket.close()

    def abandon(self, reason: str) -> None:
        """Take it for gone; whoever holds it closes it."""
        if not self.closed.done():
            self.closed.set_result(reason)

    async def _read(self) -> None:
        reason = "it ended the connection"
        try:
            async for frame in self._socket:
                self._receive(frame.encode() if isinstance(frame, str) else frame)
        except ConnectionClosed as error:
            reason = fault_words(error)
        finally:
            if not self.closed.done():
                self.closed.set_result(reason)
