"""Each call goes out once, and what its failure means is one of the four errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters.common.http_calls import HttpCall, HttpCaller
from engine.model.errors import FatalError, RetryableError, UnknownOutcomeError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[tuple[HttpCaller, str]]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    caller = HttpCaller(1.0)
    try:
        yield caller, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await caller.close()
        await runner.cleanup()


async def test_url_and_body_go_out_as_they_are_written_and_any_status_is_an_answer() -> None:
    seen: list[tuple[str, bytes, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.raw_path, await request.read(), request.headers.get("X-Key")))
        return web.Response(status=418, text="no", headers={"X-More": "1"})

    async with served(answer) as (caller, url):
        told = await caller.send(
            HttpCall("place", "POST", f"{url}/v5?b=%2C1&a=x%20y", {"X-Key": "k"}, b'{"a":1}', acts=True)
        )
    assert seen == [("/v5?b=%2C1&a=x%20y", b'{"a":1}', "k")]
    assert (told.status, told.body, told.headers["X-More"]) == (418, b"no", "1")
    assert told.came_at >= told.sent_at


@pytest.mark.parametrize(("acts", "error"), [(True, UnknownOutcomeError), (False, RetryableError)])
async def test_without_an_answer_only_a_question_is_certainly_without_effect(
    acts: bool, error: type[Exception]
) -> None:
    calls = 0

    async def hangs(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        await asyncio.sleep(60)
        raise AssertionError

    async with served(hangs) as (caller, url):
        with pytest.raises(error, match=r"place: no answer within 0\.2 s"):
            await caller.send(HttpCall("place", "POST", url, acts=acts, limit_s=0.2))
    assert calls == 1


async def test_a_connection_that_ends_within_the_answer_leaves_an_order_unknown() -> None:
    async def hangs_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with served(hangs_up) as (caller, url):
        with pytest.raises(UnknownOutcomeError, match="place: it hung up"):
            await caller.send(HttpCall("place", "POST", url, acts=True))


async def test_an_answer_that_is_too_large_is_not_read() -> None:
    async def floods(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(64):
            await response.write(b"x" * 1024)
        return response

    async with served(floods) as (caller, url):
        with pytest.raises(RetryableError, match="more than 2 KiB"):
            await caller.send(HttpCall("orders", "GET", url, most_bytes=2048))


async def test_what_nobody_heard_was_certainly_not_done() -> None:
    caller = HttpCaller(0.5)
    try:
        with pytest.raises(RetryableError, match="can't be reached: nothing listens there"):
            await caller.send(HttpCall("place", "POST", "http://127.0.0.1:9/v5", acts=True))
        with pytest.raises(FatalError, match="not a URL"):
            await caller.send(HttpCall("place", "POST", "no address", acts=True))
    finally:
        await caller.close()


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_nothing_is_sent_again_where_a_kept_connection_breaks(method: str) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.method)
        if len(asked) > 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=b"ok")

    async with served(handler) as (caller, url):
        await caller.send(HttpCall("first", method, url))
        with pytest.raises(UnknownOutcomeError):
            await caller.send(HttpCall("again", method, url, acts=True))
    assert asked == [method, method]
