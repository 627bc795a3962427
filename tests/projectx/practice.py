"""The adapter at work on the practice venue, over real sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from adapters.common.secret import Secret
from adapters.projectx.broker import ProjectXBroker
from adapters.projectx.config import ProjectXConfig, RateLimits, WantedAccount
from adapters.projectx.venue import ProjectXVenue
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.market.hours import market_open, practice_open
from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.practice import PracticeVenue
from adapters.simulator.wire.projectx.signalr import HubTiming
from engine.model.events import OrderReported, Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.orders import VenueOrder, VenueStatus
from tests.projectx.conftest import QUICK, running
from tests.support.waits import Inbox

START = practice_open(date(2031, 10, 7))
SYMBOLS = ("MNQ", "GC")
PRICE = 84_000
ONE_BOOK = (WantedAccount(book="practice"),)


def bars() -> list[Bar]:
    return [
        Bar("MNQ", Timeframe.M1, START - i * MINUTE, PRICE, PRICE + 4, PRICE - 4, PRICE + 1, i)
        for i in range(30, 0, -1)
    ]


@dataclass
class Bench:
    practice: PracticeVenue
    venue: ProjectXVenue
    inbox: Inbox
    printed: int = 0
    """Prints of the market so far."""

    @property
    def broker(self) -> ProjectXBroker:
        return self.venue.brokers[0]

    def market(self, bid: int, *prints: int) -> None:
        """The market moves: a quote one tick wide, then prints."""
        now = self.practice.now()
        for symbol in SYMBOLS:
            self.practice.push(
                Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=bid, ask=bid + 1, last=bid)
            )
        self.printed += len(prints)
        for price in prints:
            self.practice.push(
                Print(ts_recv=now, ts_venue=now, instrument="MNQ", price=price, size=9, aggressor=Side.BUY)
            )

    def orders(self) -> dict[str, VenueOrder]:
        """The newest report of every order, by client id."""
        return {e.order.client_id or e.order.venue_id: e.order for e in self.inbox.of(OrderReported)}

    async def status(self, client_id: str, status: VenueStatus) -> VenueOrder:
        await self.inbox.until(
            lambda: (order := self.orders().get(client_id)) is not None and order.status is status
        )
        return self.orders()[client_id]


def config_of(
    practice: PracticeVenue, accounts: tuple[WantedAccount, ...], **timing: float
) -> ProjectXConfig:
    return ProjectXConfig(
        user_name="practice",
        api_key=Secret("practice"),
        instruments={symbol: CME_FUTURES[symbol] for symbol in SYMBOLS},
        venue="practice",
        accounts=accounts,
        api_url=practice.url,
        user_hub_url=f"{practice.url}/hubs/user",
        market_hub_url=f"{practice.url}/hubs/market",
        timing=replace(QUICK, **timing),
    )


@asynccontextmanager
async def bench(
    feed: bool = True,
    timing: dict[str, float] | None = None,
    hubs: HubTiming | None = None,
    books: tuple[WantedAccount, ...] = ONE_BOOK,
    limits: RateLimits | None = None,
    **settings: Any,
) -> AsyncIterator[Bench]:
    """A venue with `settings`, and feed and brokers on it, live."""
    source = ScriptedMarket([CME_FUTURES[s] for s in SYMBOLS], START, bars={"MNQ": bars()})
    config = SimulatorConfig(timing=hubs or HubTiming(), **settings)
    async with PracticeVenue(config, source) as practice, AsyncExitStack() as stack:
        inbox = Inbox()
        venue = ProjectXVenue(
            replace(config_of(practice, books, **(timing or {})), limits=limits or RateLimits()),
            practice.now,
            session_open=market_open,
            rng=random.Random(1),
        )
        stack.push_async_callback(venue.close)
        made = Bench(practice, venue, inbox)
        made.market(PRICE)
        for broker in venue.brokers:
            await stack.enter_async_context(running(broker, inbox))
        await inbox.live("user", len(books))
        if feed:
            await stack.enter_async_context(running(venue.feed, inbox))
            await inbox.live("market")
        yield made


@asynccontextmanager
async def moving(made: Bench) -> AsyncIterator[None]:
    """A market in which something trades every ten milliseconds."""
    over = asyncio.Event()

    async def move() -> None:
        step = 0
        while not over.is_set():
            step += 1
            made.market(PRICE + step % 5, PRICE + step % 5)
            await asyncio.wait({waiter}, timeout=0.01)

    waiter = asyncio.create_task(over.wait())
    mover = asyncio.create_task(move())
    try:
        yield
    finally:
        over.set()
        await mover
