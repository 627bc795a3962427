"""The hub client against a SignalR server that is not ours, and our records read by a client that is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiosignalr.server.aiohttp_server import build_aiohttp_app
from aiosignalr.server.hub import Hub as ServerHub
from aiosignalr.server.server import SignalRServer
from msgspec import Raw

from adapters.projectx.signalr import Hub, InvocationFailed
from adapters.projectx.wire import read_prints, read_quote
from tests.projectx import samples
from tests.projectx.conftest import QUICK
from tests.support.patience import patient


class MarketHub(ServerHub):  # type: ignore[misc]  # that library has no types
    """A market hub written against the independent server's API."""

    async def SubscribeContractQuotes(self, contract: str) -> None:
        await self.clients.caller.send("GatewayQuote", contract, samples.first_quote(contract))

    async def SubscribeContractTrades(self, contract: str) -> None:
        await self.clients.caller.send(
            "GatewayTrade", contract, [samples.market_trade(), samples.market_trade()]
        )


@asynccontextmanager
async def independent_server() -> AsyncIterator[str]:
    runner = web.AppRunner(
        build_aiohttp_app(SignalRServer(MarketHub), path="/hubs/market"), shutdown_timeout=0.1
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hubs/market"
    finally:
        await runner.cleanup()


async def test_our_client_with_an_independent_server() -> None:
    heard: dict[str, Raw] = {}
    complete = asyncio.Event()

    def receive(target: str, arguments: Raw) -> None:
        heard[target] = arguments.copy()
        if len(heard) == 2:
            complete.set()

    def junk(reason: str, record: bytes) -> None:
        pytest.fail(f"{reason}: {record!r}")

    async with independent_server() as url:
        hub = await Hub.connect(url, "any", receive, junk, QUICK)
        await hub.invoke("SubscribeContractQuotes", samples.MNQ)
        await hub.invoke("SubscribeContractTrades", samples.MNQ)
        await asyncio.wait_for(complete.wait(), patient(5))
        with pytest.raises(InvocationFailed):
            await hub.invoke("SubscribeContractDepth", samples.MNQ)
        assert not hub.closed.done()
        await hub.close()
    assert read_quote(heard["GatewayQuote"])[0] == samples.MNQ
    assert len(read_prints(heard["GatewayTrade"])[1]) == 2


async def test_our_client_outlives_many_keep_alives_of_an_independent_server() -> None:
    def nothing(*_: Any) -> None: ...

    async with independent_server() as url:
        hub = await Hub.connect(url, "any", nothing, nothing, QUICK)
        for _ in range(5):
            await asyncio.wait({hub.closed}, timeout=QUICK.ping_s)
            await hub.invoke("SubscribeContractQuotes", samples.MNQ)
        assert not hub.closed.done()
        await hub.close()
