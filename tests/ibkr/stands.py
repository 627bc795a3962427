"""A gateway's twin, a venue connected to it, and what both are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from adapters.ibkr.config import IbkrConfig, IbWaits
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.ibkr.gateway import IbGatewayTwin
from adapters.simulator.ibkr.records import IbListed
from adapters.simulator.market.scripted import ManualClock
from engine.model.effects import CancelOrder, ModifyOrder, PlaceOrder
from engine.model.events import AnyEvent, LinkChanged, LinkState, Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import NANOS, Bar, Side
from engine.model.orders import OrderSpec, OrderType
from tests.support.waits import until

MES = CME_FUTURES["MES"]
START = 1_764_000_000 * NANOS
"""2025-11-24 16:00 UTC."""
NEAR = IbListed(1001, MES, "20251219")
FAR = IbListed(1002, MES, "20260320")
PRICE = 20_000
QUICK = IbWaits(
    connect_s=5.0,
    read_s=5.0,
    act_s=0.4,
    protect_s=0.3,
    commission_s=0.05,
    history_s=5.0,
    backoff_first_s=0.01,
    backoff_cap_s=0.02,
    same_history_s=0.0,
)
E = TypeVar("E")


@dataclass
class IbStand:
    twin: IbGatewayTwin
    venue: IbkrVenue
    clock: ManualClock
    heard: list[AnyEvent] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def broker(self) -> Any:
        return self.venue.brokers[0]

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.heard if isinstance(event, kind)]

    def link(self, name: str) -> LinkState | None:
        found = [event.state for event in self.of(LinkChanged) if event.link == name]
        return found[-1] if found else None

    async def start(self) -> None:
        """Run feed and brokers until both links are live."""
        runs = [self.venue.feed.run, *(broker.run for broker in self.venue.brokers)]
        self.tasks += [asyncio.create_task(run(self.heard.append)) for run in runs]
        await self.live()

    async def live(self) -> None:
        wanted = ["market", *(["user"] if self.venue.brokers else [])]
        await until(lambda: all(self.link(name) is LinkState.LIVE for name in wanted))

    def quote(self, bid: int, listed: IbListed = NEAR) -> None:
        now = self.clock()
        self.twin.push(Quote(ts_recv=now, ts_venue=now, instrument=str(listed.con_id), bid=bid, ask=bid + 1))

    def trade(self, price: int, size: int = 100, listed: IbListed = NEAR) -> None:
        now = self.clock()
        self.twin.push(
            Print(ts_recv=now, ts_venue=now, instrument=str(listed.con_id), price=price, size=size)
        )


@asynccontextmanager
async def ib_stand(
    *,
    accounts: Sequence[str] = ("DU1234567",),
    account: str = "",
    book: str = "ibkr",
    listed: Sequence[IbListed] = (FAR, NEAR),
    history: dict[str, Sequence[Bar]] | None = None,
    server_version: int = 176,
    waits: IbWaits = QUICK,
    started: bool = True,
) -> AsyncIterator[IbStand]:
    clock = ManualClock(START)
    twin = IbGatewayTwin(listed, clock, accounts=accounts, history=history, server_version=server_version)
    async with twin:
        config = IbkrConfig(instruments={"MES": MES}, port=twin.port, account=account, book=book, waits=waits)
        one = IbStand(twin, IbkrVenue(config, clock, rng=random.Random(1)), clock)
        try:
            if started:
                await one.start()
                one.quote(PRICE, listed[-1])
            yield one
        finally:
            for task in one.tasks:
                task.cancel()
            await asyncio.gather(*one.tasks, return_exceptions=True)
            await one.venue.close()


def order(
    client_id: str = "t-1",
    side: Side = Side.BUY,
    kind: OrderType = OrderType.MARKET,
    qty: int = 1,
    *,
    reduces: bool = False,
    **prices: int,
) -> PlaceOrder:
    return PlaceOrder("ibkr", client_id, "MES", OrderSpec(side, kind, qty, reduces=reduces, **prices))


def change(venue_id: str, **what: int) -> ModifyOrder:
    return ModifyOrder("ibkr", "t-1", venue_id, "MES", **what)


def cancel(venue_id: str) -> CancelOrder:
    return CancelOrder("ibkr", "t-1", venue_id, "MES")
