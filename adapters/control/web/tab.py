"""One tab: a websocket on one side, a program in a pseudo-terminal on the other, both ending together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum

import msgspec
from aiohttp import WSMsgType, web

from adapters.control.web.child import TerminalChild
from adapters.control.web.messages import KeyLag, PageMessage, ServerMessage, read_page
from engine.model.errors import RetryableError

LATE_S = 2.0
"""Keys that were pressed so long ago are dropped: whoever pressed them has not seen what they do now."""
_FIRST_S = 10.0
"""Within so long the page says how large it is."""


class HangUp(IntEnum):
    """Why the server closes a websocket; the page knows these numbers."""

    ENDED = 4000
    """The program has ended by itself."""
    LOGIN = 4401
    NO_USE = 4404
    """No engine runs."""
    FULL = 4429
    WRONG = 4400
    """The page said something that it never says."""
    GOING = 4001
    """The server ends."""


class Tab:
    """`run` until either side ends."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        command: Sequence[str],
        environment: Mapping[str, str],
        trouble: Callable[[], str],
    ) -> None:
        """`trouble` says why it is of no use to start the command now; empty where it is of use."""
        self._socket = socket
        self._command, self._environment = command, environment
        self._trouble = trouble
        self._lag = KeyLag()
        self._dropped = 0
        self._child: TerminalChild | None = None

    async def run(self) -> None:
        """Raises ConnectionError where the page went away."""
        size = await self._first_size()
        if size is None:
            return
        if why := await asyncio.to_thread(self._trouble):
            await self._hang_up(HangUp.NO_USE, why)
            return
        try:
            child = self._child = await TerminalChild.start(self._command, self._environment, size)
        except RetryableError as error:
            await self._hang_up(HangUp.ENDED, str(error))
            return
        try:
            await self._say(ServerMessage(begun=True))
            painting = asyncio.create_task(self._paint(child))
            hearing = asyncio.create_task(self._hear(child))
            _, pending = await asyncio.wait({painting, hearing}, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(painting, hearing, return_exceptions=True)
        finally:
            code = await child.end()
        if not self._socket.closed:
            await self._hang_up(HangUp.ENDED, f"It has ended with code {code}." if code else "")

    async def close(self) -> None:
        """The server ends."""
        with suppress(ConnectionError):
            await self._socket.close(code=HangUp.GOING)
        if self._child is not None:
            await self._child.end()

    async def _first_size(self) -> tuple[int, int] | None:
        """The page's first message; None where it says anything else, or nothing."""
        try:
            async with asyncio.timeout(_FIRST_S):
                message = await self._socket.receive()
        except TimeoutError:
            message = None
        said = read_page(message.data) if message is not None and message.type is WSMsgType.TEXT else None
        if said is None or said.size is None:
            await self._socket.close(code=HangUp.WRONG)
            return None
        return said.size

    async def _paint(self, child: TerminalChild) -> None:
        """Everything that the program writes, as fast as the page takes it and no faster."""
        while data := await child.read():
            await self._socket.send_bytes(data)

    async def _hear(self, child: TerminalChild) -> None:
        async for message in self._socket:
            said = read_page(message.data) if message.type is WSMsgType.TEXT else None
            if said is None:
                await self._socket.close(code=HangUp.WRONG)
                return
            await self._take(child, said)

    async def _take(self, child: TerminalChild, said: PageMessage) -> None:
        now = time.monotonic()
        if said.ping is not None:
            self._lag.late_s(said.ping, now)
            await self._say(ServerMessage(pong=said.ping, dropped=self._dropped))
            self._dropped = 0
        if said.size is not None:
            child.resize(said.size)
        if said.keys:
            in_time = said.at is not None and self._lag.late_s(said.at, now) < LATE_S
            if not in_time or not child.type(said.keys.encode(errors="replace")):
                self._dropped += len(said.keys)

    async def _say(self, message: ServerMessage) -> None:
        await self._socket.send_str(msgspec.json.encode(message).decode())

    async def _hang_up(self, code: HangUp, why: str) -> None:
        with suppress(ConnectionError):
            if why:
                await self._say(ServerMessage(why=why))
            await self._socket.close(code=code)
