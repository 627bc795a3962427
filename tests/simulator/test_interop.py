"""Clients that others wrote, against the practice venue on a real clock."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import ClientSession
from pysignalr.client import SignalRClient
from signalrcore.hub_connection_builder import HubConnectionBuilder

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.practice import PracticeVenue
from tests.simulator.practice_venue import ACCOUNT
from tests.support.patience import patient


async def token(venue: PracticeVenue) -> str:
    credentials = {"userName": "practice", "apiKey": "practice"}
    async with (
        ClientSession() as session,
        session.post(f"{venue.url}/api/Auth/loginKey", json=credentials) as reply,
    ):
        return str((await reply.json())["token"])


async def test_pysignalr_gets_quotes_trades_and_order_events() -> None:
    async with PracticeVenue(SimulatorConfig(rate=2.0)) as venue:
        contract = venue.listing.front["MNQ"].id
        jwt = await token(venue)
        market = SignalRClient(
            f"{venue.url}/hubs/market", access_token_factory=lambda: jwt, headers=bearer(jwt)
        )
        user = SignalRClient(f"{venue.url}/hubs/user", access_token_factory=lambda: jwt, headers=bearer(jwt))
        got: dict[str, asyncio.Queue[Any]] = {}

        def listen(client: SignalRClient, target: str) -> None:
            queue = got[target] = asyncio.Queue()

            async def put(arguments: Any) -> None:
                queue.put_nowait(arguments)

            client.on(target, put)

        for target in ("GatewayQuote", "GatewayTrade"):
            listen(market, target)
        listen(user, "GatewayUserTrade")

        async def subscribe_market() -> None:
            await market.send("SubscribeContractQuotes", [contract])  # type: ignore[list-item]
            await market.send("SubscribeContractTrades", [contract])  # type: ignore[list-item]

        async def subscribe_user() -> None:
            await user.send("SubscribeTrades", [ACCOUNT])  # type: ignore[list-item]

        market.on_open(subscribe_market)
        user.on_open(subscribe_user)
        runs = [asyncio.create_task(client.run()) for client in (market, user)]
        try:
            async with asyncio.timeout(patient(10)):
                full = (await got["GatewayQuote"].get())[1]
                assert full["symbolName"] == "/MNQ"
                later = [(await got["GatewayQuote"].get())[1] for _ in range(20)]
                assert all("symbolName" not in quote for quote in later)
                assert (await got["GatewayTrade"].get())[1][0]["contractId"] == contract
                order = {"accountId": ACCOUNT, "contractId": contract, "type": 2, "side": 0, "size": 1}
                async with (
                    ClientSession(headers=bearer(jwt)) as session,
                    session.post(f"{venue.url}/api/Order/place", json=order) as reply,
                ):
                    placed = await reply.json()
                [trade] = await got["GatewayUserTrade"].get()
                assert trade["data"]["orderId"] == placed["orderId"]
        finally:
            for run in runs:
                run.cancel()
            await asyncio.gather(*runs, return_exceptions=True)


def bearer(jwt: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {jwt}"}


async def test_signalrcore_gets_quotes() -> None:
    """It shakes hands with version 0 and has a thread of its own."""
    async with PracticeVenue() as venue:
        contract = venue.listing.front["ES"].id
        jwt = await token(venue)
        loop = asyncio.get_running_loop()
        quotes: asyncio.Queue[Any] = asyncio.Queue()
        opened = asyncio.Event()
        hub = (
            HubConnectionBuilder()
            .with_url(
                f"{venue.url.replace('http', 'ws')}/hubs/market?access_token={jwt}",
                options={"skip_negotiation": True},
            )
            .build()
        )
        hub.on("GatewayQuote", lambda arguments: loop.call_soon_threadsafe(quotes.put_nowait, arguments))
        hub.on_open(lambda: loop.call_soon_threadsafe(opened.set))
        await asyncio.to_thread(hub.start)
        try:
            async with asyncio.timeout(patient(10)):
                await opened.wait()
                await asyncio.to_thread(hub.send, "SubscribeContractQuotes", [contract])
                found = [(await quotes.get())[0] for _ in range(5)]
        finally:
            await asyncio.to_thread(hub.stop)
        assert set(found) == {contract}
