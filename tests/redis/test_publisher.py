"""Publishing to a real Redis: what listeners get, and that losing it harms nothing."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from adapters.common.secret import Secret
from adapters.redis import publisher
from adapters.redis.publisher import WAITING, RedisPublisher, TickTap
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES
from tests.support.fake_engine import FakeEngine
from tests.support.redis_server import PASSWORD, RedisServer
from tests.support.waits import until
from tests.tui import fake

T0 = 1_780_000_000_000_000_000
MNQ = {"MNQ": CME_FUTURES["MNQ"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


def quote(bid: int, instrument: str = "MNQ") -> Quote:
    return Quote(ts_venue=T0, ts_recv=T0, instrument=instrument, bid=bid, ask=bid + 1, venue="practice")


@asynccontextmanager
async def publishing(url: str, tap: TickTap) -> AsyncIterator[FakeEngine]:
    engine, stop = FakeEngine(fake.trading_view()), asyncio.Event()
    task = asyncio.create_task(RedisPublisher(Secret(url), "ts", tap, engine, MNQ).run(stop))
    yield engine
    stop.set()
    await task


async def heard(line: Redis, *patterns: str) -> Any:
    ear = line.pubsub()
    await ear.psubscribe(*patterns)
    await ear.get_message(timeout=5)
    return ear


async def next_of(ear: Any) -> tuple[str, Any]:
    found = None
    async with asyncio.timeout(10):
        while found is None:
            found = await ear.get_message(ignore_subscribe_messages=True, timeout=1)
    return found["channel"].decode(), json.loads(found["data"], parse_float=Decimal)


async def test_ticks_reach_whoever_listens(server: RedisServer) -> None:
    tap = TickTap()
    async with Redis.from_url(server.url) as line, publishing(server.url, tap):
        ear = await heard(line, "ts:ticks:*")
        tap.hear(quote(80_001))
        tap.hear(Print(ts_venue=T0, ts_recv=T0, instrument="MNQ", price=80_002, size=3))
        channel, body = await next_of(ear)
        assert channel == "ts:ticks:MNQ"
        assert (body["type"], body["bid"], body["ask"], body["last"]) == (
            "quote",
            Decimal("20000.25"),
            Decimal("20000.50"),
            None,
        )
        assert (body["ts"], body["venue"]) == (T0, "practice")
        _, body = await next_of(ear)
        assert (body["type"], body["price"], body["quantity"]) == ("trade", Decimal("20000.50"), 3)
        newest = json.loads(await line.get("ts:ticker:MNQ") or "", parse_float=Decimal)
        assert newest["bid"] == Decimal("20000.25")
        assert 0 < await line.ttl("ts:ticker:MNQ") <= 60
        await ear.aclose()


async def test_the_core_picture_can_be_asked_for(server: RedisServer) -> None:
    async with Redis.from_url(server.url) as line, publishing(server.url, TickTap()) as engine:
        await line.delete("ts:view")
        raw = None
        async with asyncio.timeout(10):
            while raw is None:
                engine.show(uptime_ns=engine.view().uptime_ns + 1, version=engine.view().version + 1)
                await asyncio.sleep(0.01)
                raw = await line.get("ts:view")
        told = json.loads(raw)
        assert {book["book"] for book in told["books"]} == {book.book for book in engine.view().books}


async def test_losing_redis_is_told_once_and_it_goes_on_by_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(publisher, "LONGEST_WAIT_S", 0.02)
    caplog.set_level(logging.INFO, "redis")
    own, tap = RedisServer(tmp_path), TickTap()
    async with publishing(own.url, tap):
        own.kill()
        tap.hear(quote(80_001))
        await until(lambda: "nothing is published" in caplog.text)
        for n in range(5):
            tap.hear(quote(80_001 + n))
            await asyncio.sleep(0.03)
        own.start()
        tap.hear(quote(80_100))
        await until(lambda: "publishing to Redis again" in caplog.text)
    own.kill()
    assert caplog.text.count("nothing is published") <= 2  # at most once for each way of not answering
    assert PASSWORD not in caplog.text


async def test_a_wrong_password_is_told_without_it(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = server.url.replace(PASSWORD, "another-horse-here")
    async with publishing(wrong, TickTap()):
        await until(lambda: "nothing is published" in caplog.text)
    assert "another-horse-here" not in caplog.text
    assert PASSWORD not in caplog.text


def test_what_waits_is_bounded_and_the_newest_stays() -> None:
    tap = TickTap()
    for n in range(WAITING + 10):
        tap.hear(quote(n))
    found = tap.take()
    assert (len(found), found[-1]) == (WAITING, quote(WAITING + 9))
    assert tap.take() == []
