"""A websocket that is kept connected: proof before LIVE, backoff, heartbeats, silence, floods."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

import pytest
from aiohttp import web

from adapters.common.json_link import JsonLink, Send, SocketClosed, SocketStream, SocketTiming
from engine.model.errors import FatalError, RetryableError
from engine.model.events import LinkState
from tests.support.waits import until

QUICK = SocketTiming(
    open_s=1.0, ping_s=0.05, dead_s=5.0, watch_s=0.02, backoff_first_s=0.01, backoff_cap_s=0.02
)
Serve = Callable[[web.WebSocketResponse, int], Awaitable[None]]


class Heard(SocketStream):
    """Asks, and begins with the first record that comes."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.first = asyncio.Event()
        self.gone = False
        self.why = ""

    async def start(self, send: Send) -> None:
        await send(b'{"op":"subscribe"}')
        await self.first.wait()

    def take(self, record: bytes) -> None:
        if record == b"refused":
            raise SocketClosed("the venue refuses")
        self.records.append(record)
        self.first.set()

    def ping(self) -> bytes:
        return b"ping"

    def silence(self, now: float) -> str:
        return self.why

    def ended(self) -> None:
        self.gone = True


class Linked:
    def __init__(self, url: str, timing: SocketTiming) -> None:
        self.streams: list[Heard] = []
        self.told: list[tuple[LinkState, str]] = []
        self.fault: Exception | None = None
        self.link = JsonLink(
            "market", url, self.make, lambda *word: self.told.append(word), timing, random.Random(1)
        )

    async def make(self) -> SocketStream:
        if self.fault is not None:
            raise self.fault
        self.streams.append(Heard())
        return self.streams[-1]

    def live(self) -> int:
        return sum(state is LinkState.LIVE for state, _ in self.told)


@asynccontextmanager
async def linked(serve: Serve, timing: SocketTiming = QUICK) -> AsyncIterator[Linked]:
    numbers = count(1)

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert (await socket.receive_str()) == '{"op":"subscribe"}'
        await serve(socket, next(numbers))
        return socket

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found = Linked(f"ws://127.0.0.1:{runner.addresses[0][1]}/", timing)
    task = asyncio.create_task(found.link.run())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await runner.cleanup()


async def stay(socket: web.WebSocketResponse) -> list[str]:
    """Read until the other end goes."""
    return [message.data async for message in socket]


async def test_live_is_told_once_the_stream_has_begun_and_a_lost_connection_comes_back() -> None:
    async def serve(socket: web.WebSocketResponse, number: int) -> None:
        await socket.send_str(f"hello {number}")
        if number < 3:
            await socket.close()
        else:
            await stay(socket)

    async with linked(serve) as found:
        await until(lambda: found.live() == 3)
    assert [stream.records for stream in found.streams] == [[b"hello 1"], [b"hello 2"], [b"hello 3"]]
    assert all(stream.gone for stream in found.streams)
    assert found.told[0] == (LinkState.CONNECTING, "")
    assert found.told[-1] == (LinkState.DOWN, "stopped")
    assert [state for state, _ in found.told[1:4]] == [LinkState.LIVE, LinkState.DOWN, LinkState.LIVE]


async def test_heartbeats_are_sent_and_silence_ends_the_connection() -> None:
    sent: list[str] = []

    async def serve(socket: web.WebSocketResponse, number: int) -> None:
        await socket.send_str("hello")
        sent.extend(await stay(socket))

    async with linked(serve) as found:
        await until(lambda: found.live() == 1)
        await asyncio.sleep(0.1)
        found.streams[0].why = "nothing from the market"
        await until(lambda: found.live() == 2)
    assert (LinkState.STALE, "nothing from the market") in found.told
    assert "ping" in sent


async def test_a_connection_on_which_nothing_comes_at_all_is_dead() -> None:
    async def serve(socket: web.WebSocketResponse, number: int) -> None:
        await socket.send_str("hello")
        await stay(socket)

    timing = SocketTiming(ping_s=60, dead_s=0.1, watch_s=0.02, backoff_first_s=0.01, backoff_cap_s=0.02)
    async with linked(serve, timing) as found:
        await until(lambda: found.live() == 2)
    assert (LinkState.STALE, "no record for 0.1 s") in found.told


async def test_no_word_on_the_subscription_is_no_connection() -> None:
    async def serve(socket: web.WebSocketResponse, number: int) -> None:
        if number > 1:
            await socket.send_str("refused" if number == 2 else "hello")
        await stay(socket)

    timing = SocketTiming(open_s=0.1, watch_s=0.02, backoff_first_s=0.01, backoff_cap_s=0.02)
    async with linked(serve, timing) as found:
        await until(lambda: found.live() == 1)
    assert [word for state, word in found.told if state is LinkState.DOWN] == [
        "no word on what was subscribed within 0.1 s", "the venue refuses", "stopped",
    ]  # fmt: skip


async def test_a_record_that_is_too_large_ends_the_connection() -> None:
    async def serve(socket: web.WebSocketResponse, number: int) -> None:
        await socket.send_str("hello")
        if number == 1:
            await socket.send_str("x" * (Heard.most_bytes + 1))
        await stay(socket)

    async with linked(serve) as found:
        await until(lambda: found.live() == 2, 20)
    assert any("larger than any can be" in word for _, word in found.told)


async def test_what_only_a_person_can_change_ends_a_link_that_never_worked() -> None:
    found = Linked("ws://127.0.0.1:9/", QUICK)
    found.fault = FatalError("the key is not known here")
    with pytest.raises(FatalError, match="not known here"):
        await found.link.run()
    assert found.told == [(LinkState.CONNECTING, ""), (LinkState.DOWN, "the key is not known here")]


async def test_what_passes_is_waited_out() -> None:
    async def serve(socket: web.WebSocketResponse, number: int) -> None:
        await socket.send_str("hello")
        await stay(socket)

    async with linked(serve) as found:
        await until(lambda: found.live() == 1)
        found.fault = RetryableError("no answer")
        found.streams[0].why = "silent"
        await until(lambda: (LinkState.DOWN, "no answer") in found.told)
        found.fault = FatalError("maintenance, as it turns out")
        await until(lambda: (LinkState.DOWN, "maintenance, as it turns out") in found.told)
        found.fault = None
        await until(lambda: found.live() == 2)
