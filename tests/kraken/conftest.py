"""A scripted venue, an adapter that talks to it, and an inbox that can be waited on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from adapters.common.secret import Secret
from adapters.kraken.broker import KrakenBroker
from adapters.kraken.config import KrakenConfig, KrakenTiming
from adapters.kraken.venue import KrakenVenue
from engine.model.effects import PlaceOrder
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from tests.kraken.gateway import KrakenGateway
from tests.kraken.samples import BTC
from tests.support.waits import Inbox

NOW = 1949149800_000_000_000
"""2031-10-07T14:30:00Z, a Tuesday."""
KEY = "public-key-000000"
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
"""The one of the exchange's own example."""
QUICK = KrakenTiming(
    connect_s=2,
    read_s=2,
    act_s=0.3,
    protect_s=0.3,
    dead_s=5,
    watch_s=0.02,
    backoff_first_s=0.01,
    backoff_cap_s=0.05,
)


def config_for(url: str, **changes: Any) -> KrakenConfig:
    """Of the venue at an address, with changes: of the settings, or of single waits."""
    waits = {name: changes.pop(name) for name in tuple(changes) if hasattr(QUICK, name)}
    settings: dict[str, Any] = {
        "instruments": {BTC.symbol: BTC},
        "api_key": Secret(KEY),
        "api_secret": Secret(SECRET),
        "venue": "test",
        "book": "test",
        "public_url": f"ws://{url}/v2/public",
        "private_url": f"ws://{url}/v2/private",
        "api_url": f"http://{url}",
        "v1_url": f"ws://{url}/ws/v1",
        "futures_url": f"http://{url}",
        "timing": replace(QUICK, **waits),
    }
    return KrakenConfig(**(settings | changes))


def venue_for(gateway: KrakenGateway, **changes: Any) -> KrakenVenue:
    return KrakenVenue(config_for(gateway.url, **changes), lambda: NOW, rng=random.Random(7))


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
async def trading(venue: KrakenVenue, inbox: Inbox) -> AsyncIterator[KrakenBroker]:
    """A broker at work, live."""
    [broker] = venue.brokers
    assert isinstance(broker, KrakenBroker)
    async with running(broker, inbox):
        await inbox.live("user")
        yield broker


def entry(**changes: Any) -> PlaceOrder:
    """A market entry for 0.0200 BTC, with changes."""
    names = {"client_id": "ts-abcdefgh-1-1", "instrument": BTC.symbol}
    named = {name: changes.pop(name, default) for name, default in names.items()}
    spec = structs.replace(OrderSpec(Side.BUY, OrderType.MARKET, 200), **changes)
    return PlaceOrder("test", spec=spec, **named)


@pytest.fixture
async def gateway() -> AsyncIterator[KrakenGateway]:
    async with KrakenGateway().serve() as gateway:
        yield gateway


@pytest.fixture
async def venue(gateway: KrakenGateway) -> AsyncIterator[KrakenVenue]:
    venue = venue_for(gateway)
    yield venue
    await venue.close()


@pytest.fixture
async def inbox() -> Inbox:
    return Inbox()
