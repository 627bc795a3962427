"""Keeps one websocket of a venue connected: backoff, heartbeats, staleness. Records are JSON texts."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from adapters.common.fault_words import INTERNAL, fault_words
from adapters.common.pacing import Backoff
from engine.model.errors import FatalError, PortError, UnknownOutcomeError
from engine.model.events import LinkState

_log = logging.getLogger(__name__)
# The library logs what it sends, and ours holds keys.
_quiet = logging.getLogger(f"{__name__}.socket")
_quiet.setLevel(logging.WARNING)

_MOST_RECORDS = 500_000
"""In ten seconds: memory is not to grow with a flood."""
_FLOOD_S = 10.0

Send = Callable[[bytes], Awaitable[None]]
"""Sends one record as text. Raises SocketClosed."""
Report = Callable[[LinkState, str], None]


class SocketClosed(Exception):
    """The connection is gone, never came, or did not do as it should; the text says why, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketTiming:
    """Seconds."""

    open_s: float = 10.0
    """For the upgrade, and again for login, subscriptions and the proof that they work."""
    ping_s: float = 20.0
    """Between two heartbeats of ours."""
    dead_s: float = 45.0
    """Without any record, answers to heartbeats included, a connection is dead."""
    watch_s: float = 1.0
    """Between two looks at whether the stream is still alive."""
    backoff_first_s: float = 0.5
    backoff_cap_s: float = 30.0

    def retrying(self, most_s: float) -> SocketTiming:
        """The same, with a lost connection tried again after so long at the latest."""
        return replace(self, backoff_cap_s=most_s, backoff_first_s=min(self.backoff_first_s, most_s))


class SocketStream:
    """What one connection carries. Made anew for each: neither login nor subscriptions outlive it."""

    most_bytes: int = 4 << 20
    """Of one record."""

    async def start(self, send: Send) -> None:
        """Log in, subscribe, and wait until both have shown that they work; `take` is called meanwhile.

        Raises SocketClosed, the four errors.
        """
        raise NotImplementedError

    def take(self, record: bytes) -> None:
        """Read a record; must not raise for bad data, must not block. Raises SocketClosed to end it."""
        raise NotImplementedError

    def ping(self) -> bytes | None:
        """A heartbeat of the venue's own; None leaves it to the protocol's."""
        return None

    def silence(self, now: float) -> str:
        """Why the stream must be taken for dead at a loop time, in words; empty if it need not."""
        return ""

    def ended(self) -> None:
        """The connection is gone."""


class JsonLink:
    """LIVE is reported once a stream has started. Nothing is sent twice; what was missed is not asked for."""

    def __init__(
        self,
        name: str,
        url: str,
        make_stream: Callable[[], Awaitable[SocketStream]],
        report: Report,
        timing: SocketTiming,
        rng: random.Random | None = None,
    ) -> None:
        """`make_stream` may ask the venue first; it raises the four errors."""
        self._name = name
        self._url = url
        self._make_stream = make_stream
        self._report_to = report
        self._timing = timing
        self._backoff = Backoff(timing.backoff_first_s, timing.backoff_cap_s, rng)
        self._told: tuple[LinkState, str] | None = None
        self._worked = False

    async def run(self) -> None:
        """Until cancelled. Raises FatalError when it can't begin without a person; once it has worked that is
        waited out like everything else.
        """
        loop = asyncio.get_running_loop()
        self._report(LinkState.CONNECTING)
        try:
            while True:
                since = loop.time()
                try:
                    await self._once()
                except FatalError as error:
                    self._report(LinkState.DOWN, str(error))
                    if not self._worked:
                        raise
                except (SocketClosed, PortError) as error:
                    self._report(LinkState.DOWN, str(error))
                self._backoff.held(loop.time() - since)
                await asyncio.sleep(self._backoff.pause_s())
        except asyncio.CancelledError:
            self._report(LinkState.DOWN, "stopped")
            raise

    async def _once(self) -> None:
        stream = await self._make_stream()
        socket = await self._connect(stream.most_bytes)
        line = _Line(socket, stream, self._timing)
        try:
            async with asyncio.timeout(self._timing.open_s):
                await line.start()
            self._worked = True
            self._report(LinkState.LIVE)
            if silence := await line.hold():
                self._report(LinkState.STALE, silence)
        except TimeoutError:
            raise SocketClosed(f"no word on what was subscribed within {self._timing.open_s:g} s") from None
        finally:
            await line.close()
            stream.ended()

    async def _connect(self, most_bytes: int) -> ClientConnection:
        try:
            return await connect(
                self._url,
                open_timeout=self._timing.open_s,
                close_timeout=1.0,
                ping_interval=self._timing.ping_s,
                ping_timeout=self._timing.dead_s,
                max_size=most_bytes,
                proxy=None,
                logger=_quiet,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise SocketClosed(f"the venue answered the upgrade with HTTP {status}") from None
        except (WebSocketException, OSError, TimeoutError, ValueError) as error:
            raise SocketClosed(f"the stream can't be reached: {fault_words(error)}") from None

    def _report(self, state: LinkState, detail: str = "") -> None:
        new, self._told = (state, detail) != self._told, (state, detail)
        if new:
            _log.info("%s stream %s %s", self._name, state, detail)
        if new or state is LinkState.DOWN:  # each try that fails is told
            self._report_to(state, detail)


class _Line:
    """One open connection with its stream."""

    def __init__(self, socket: ClientConnection, stream: SocketStream, timing: SocketTiming) -> None:
        self._socket = socket
        self._stream = stream
        self._timing = timing
        self._heard = asyncio.get_running_loop().time()
        self._reader = asyncio.create_task(self._read(), name="socket-read")

    async def start(self) -> None:
        """Raises SocketClosed, TimeoutError and what the stream raises."""
        starting = asyncio.create_task(self._stream.start(self.send), name="socket-start")
        try:
            await asyncio.wait({starting, self._reader}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                self._raise_end()
            try:
                await starting
            except UnknownOutcomeError as error:
                raise SocketClosed(str(error)) from None
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)

    async def hold(self) -> str:
        """While the connection is good; gives why it must be taken for dead. Raises SocketClosed."""
        loop, timing = asyncio.get_running_loop(), self._timing
        ping_at = loop.time() + timing.ping_s
        while True:
            await asyncio.wait({self._reader}, timeout=timing.watch_s)
            if self._reader.done():
                self._raise_end()
            now = loop.time()
            if now - self._heard > timing.dead_s:
                return f"no record for {timing.dead_s:g} s"
            if silence := self._stream.silence(now):
                return silence
            if now >= ping_at:
                ping_at = now + timing.ping_s
                if (ping := self._stream.ping()) is not None:
                    await self.send(ping)

    async def send(self, record: bytes) -> None:
        try:
            await self._socket.send(record, text=True)
        except ConnectionClosed as error:
            raise SocketClosed(f"the stream broke: {fault_words(error)}") from None

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()

    def _raise_end(self) -> None:
        """The reader has ended, which it does by an error only."""
        error = self._reader.exception()
        if isinstance(error, SocketClosed):
            raise error
        _log.error("reading a stream failed", exc_info=error)
        raise SocketClosed(INTERNAL)

    async def _read(self) -> None:
        loop, recv, take = asyncio.get_running_loop(), self._socket.recv, self._stream.take
        count, since = 0, self._heard
        try:
            while True:
                record = await recv(decode=False)
                self._heard = now = loop.time()
                take(record)
                count += 1
                if now - since > _FLOOD_S:
                    count, since = 0, now
                elif count > _MOST_RECORDS:
                    raise SocketClosed(f"more than {_MOST_RECORDS} records in {_FLOOD_S:g} s")
        except ConnectionClosed as error:
            raise SocketClosed(f"the stream broke: {fault_words(error)}") from None
