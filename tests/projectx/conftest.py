"""A scripted gateway, a venue that talks to it, and an inbox that can be waited on."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import structs

from adapters.common.secret import Secret
from adapters.projectx.config import ProjectXConfig, Timing, WantedAccount
from adapters.projectx.venue import ProjectXVenue
from engine.model.effects import PlaceOrder
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from tests.projectx.gateway import Gateway, HubSide
from tests.support.waits import Inbox

NOW = 1949149800_000_000_000
"""2031-10-07T14:30:00Z, a Tuesday."""
KEY = "very-secret-key-000"

QUICK = Timing(
    connect_s=2,
    read_s=2,
    act_s=0.3,
    protect_s=0.3,
    handshake_s=2,
    invoke_s=2,
    first_message_s=0.3,
    ping_s=0.1,
    dead_s=2,
    quote_silence_s=30,
    print_silence_s=30,
    watch_s=0.02,
    backoff_first_s=0.01,
    backoff_cap_s=0.05,
    renew_check_s=0.02,
    refused_first_s=0.2,
    refused_pause_s=0.2,
)


def config_for(gateway: Gateway, **changes: Any) -> ProjectXConfig:
    """Of the gateway, with changes: of the settings, of the one account, or of single waits."""
    waits = {name: changes.pop(name) for name in tuple(changes) if hasattr(QUICK, name)}
    account = {"name": changes.pop("account", None), "last": changes.pop("last", None)}
    settings: dict[str, Any] = {
        "user_name": "someone",
        "api_key": Secret(KEY),
        "instruments": {symbol: CME_FUTURES[symbol] for symbol in ("MNQ", "ES")},
        "venue": "test",
        "accounts": (WantedAccount(book="test", **account),),
        "api_url": gateway.url,
        "user_hub_url": f"{gateway.url}/hubs/user",
        "market_hub_url": f"{gateway.url}/hubs/market",
        "timing": dataclasses.replace(QUICK, **waits),
    }
    return ProjectXConfig(**(settings | changes))


def venue_for(gateway: Gateway, clock: Callable[[], int] = lambda: NOW, **changes: Any) -> ProjectXVenue:
    return ProjectXVenue(config_for(gateway, **changes), clock, rng=random.Random(7))


@asynccontextmanager
async def running(part: Any, inbox: Inbox) -> AsyncIterator[asyncio.Task[None]]:
    """A feed or broker at work; stopped at the end, with its own exception if it had one."""
    task = asyncio.create_task(part.run(inbox))
    try:
        yield task
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@asynccontextmanager
async def trading(gateway: Gateway, venue: ProjectXVenue, inbox: Inbox) -> AsyncIterator[HubSide]:
    """A broker at work, and the gateway's end of its hub."""
    async with running(venue.brokers[0], inbox):
        await inbox.live("user")
        yield gateway.open_hubs("user")[0]


def entry(**changes: Any) -> PlaceOrder:
    """A market entry for two contracts, with changes."""
    names = {"client_id": "ts-a-1-1", "instrument": "MNQ"}
    named = {name: changes.pop(name, default) for name, default in names.items()}
    spec = structs.replace(OrderSpec(Side.BUY, OrderType.MARKET, 2), **changes)
    return PlaceOrder("test", spec=spec, **named)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway().serve() as gateway:
        yield gateway


@pytest.fixture
async def venue(gateway: Gateway) -> AsyncIterator[ProjectXVenue]:
    venue = venue_for(gateway)
    yield venue
    await venue.close()


@pytest.fixture
async def inbox() -> Inbox:
    return Inbox()
