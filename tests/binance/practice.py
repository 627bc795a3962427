"""The adapter at work on its twin, over real sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from adapters.binance.broker import BinanceBroker
from adapters.binance.config import BinanceConfig, BinanceTiming, Environment, Hosts, WeightLimits
from adapters.binance.venue import BinanceVenue
from adapters.common.secret import Secret
from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.twins.config import TwinConfig, TwinLogin
from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.binance.wire import BinanceWire
from engine.model.effects import CancelOrder, ClosePosition, ModifyOrder, PlaceOrder
from engine.model.events import FillReported, OrderReported, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.orders import OrderSpec, OrderType, VenueOrder, VenueStatus
from tests.binance.samples import BTC, NOW
from tests.support.waits import Inbox, until

ETH = structs.replace(BTC, symbol="ETHUSDT", root="ETHUSDT", base="ETH")
PRICE = 6_000_000
"""Ticks: 60,000 USDT."""
QUICK = BinanceTiming(
    connect_s=2,
    read_s=2,
    act_s=0.6,
    protect_s=0.6,
    subscribe_s=1,
    silence_s=30,
    watch_s=0.02,
    gap_s=2,
    backoff_first_s=0.01,
    backoff_cap_s=0.05,
    tell_s=0.05,
)
KEY, SECRET = "practice-key", "practice-secret"
LOGIN = TwinLogin(key=KEY, secret=SECRET, money=Decimal(50_000), coins={"BTC": Decimal("0.5")})


def bars() -> list[Bar]:
    return [
        Bar(
            "BTCUSDT",
            Timeframe.M1,
            NOW // MINUTE * MINUTE - i * MINUTE,
            PRICE,
            PRICE + 4,
            PRICE - 4,
            PRICE + 1,
            i,
        )
        for i in range(1200, 0, -1)
    ]


@dataclass
class SpotBench:
    twin: Twin
    venue: BinanceVenue
    inbox: Inbox
    numbers: int = 0
    """Orders that were asked for."""

    @property
    def broker(self) -> BinanceBroker:
        return self.venue.brokers[0]

    @property
    def wire(self) -> BinanceWire:
        assert isinstance(self.twin.wire, BinanceWire)
        return self.twin.wire

    def market(self, bid: int, *prints: int, symbol: str = "BTCUSDT", size: int = 50_000) -> None:
        """The market moves: a quote one tick wide, then prints."""
        now = self.twin.now()
        self.twin.push(
            Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=bid, ask=bid + 1, last=bid),
            *(
                Print(
                    ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=size, aggressor=Side.BUY
                )
                for price in prints
            ),
        )

    # -- orders ------------------------------------------------------------------------------------------

    def order(self, spec: OrderSpec, beside: str = "", symbol: str = "BTCUSDT") -> PlaceOrder:
        self.numbers += 1
        return PlaceOrder("binance", f"ts-t-1-{self.numbers}", symbol, spec, beside)

    async def place(self, spec: OrderSpec, beside: str = "") -> str:
        order = self.order(spec, beside)
        assert await self.broker.place(order) == order.client_id
        return order.client_id

    async def modify(self, client_id: str, **changes: int) -> None:
        await self.broker.modify(ModifyOrder("binance", client_id, client_id, "BTCUSDT", **changes))

    async def cancel(self, client_id: str) -> None:
        await self.broker.cancel(CancelOrder("binance", client_id, client_id, "BTCUSDT"))

    async def close(self, qty: int) -> str:
        self.numbers += 1
        name = f"ts-t-1-{self.numbers}"
        await self.broker.close(ClosePosition("binance", "BTCUSDT", name, qty))
        return name

    async def bought(self, qty: int = 1_000) -> str:
        """A position, bought at market."""
        name = await self.place(OrderSpec(Side.BUY, OrderType.MARKET, qty))
        await self.status(name, VenueStatus.FILLED)
        return name

    # -- what came of it ---------------------------------------------------------------------------------

    def told(self) -> dict[str, VenueOrder]:
        """The newest report of every order, by client id."""
        return {e.order.client_id or "": e.order for e in self.inbox.of(OrderReported)}

    async def status(self, client_id: str, status: VenueStatus) -> VenueOrder:
        await self.inbox.until(
            lambda: (order := self.told().get(client_id)) is not None and order.status is status
        )
        return self.told()[client_id]

    def there(self) -> list[tuple[str, str, str, str]]:
        """What lives at the venue: id, type, quantity, and where."""
        found = []
        for one in self.twin.account.live():
            told = one.order
            price = told.stop if told.stop is not None else told.limit
            found.append((told.client_id or "", one.note["type"], str(told.qty), str(price)))
        return sorted(found)

    def fills(self, client_id: str) -> int:
        """Lots that the adapter has told of, each execution once."""
        seen = {
            e.fill.trade_id: e.fill for e in self.inbox.of(FillReported) if e.fill.venue_order_id == client_id
        }
        return sum(fill.qty for fill in seen.values())

    def prints(self) -> list[tuple[int, int]]:
        """Number and price of each print that was told, in order."""
        return [(e.seq, e.price) for e in self.inbox.of(Print) if e.instrument == "BTCUSDT"]

    async def settled(self) -> None:
        """Until the twin has nothing under way."""
        await until(lambda: not self.broker.busy)


def config_for(twin: Twin, instruments: Sequence[Instrument] = (BTC, ETH), **changes: Any) -> BinanceConfig:
    waits = {name: changes.pop(name) for name in tuple(changes) if hasattr(QUICK, name)}
    base = twin.url.replace("http", "ws")
    settings: dict[str, Any] = {
        "api_key": Secret(KEY),
        "api_secret": Secret(SECRET),
        "instruments": {one.symbol: one for one in instruments},
        "environment": Environment.TESTNET,
        "hosts": Hosts(rest=twin.url, streams=base, socket_api=f"{base}/ws-api/v3"),
        "timing": replace(QUICK, **waits),
        "limits": WeightLimits(unnamed_s=(0.5,)),
    }
    return BinanceConfig(**(settings | changes))


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
async def bench(
    *,
    feed: bool = False,
    broker: bool = True,
    wire: type[BinanceWire] = BinanceWire,
    twin: dict[str, Any] | None = None,
    skew_ns: int = 0,
    generated: bool = False,
    **changes: Any,
) -> AsyncIterator[SpotBench]:
    """A twin with a quiet market at PRICE (or a generated one), and feed and broker on it, live. Our clock is
    `skew_ns` ahead.
    """
    source = None if generated else ScriptedMarket([BTC, ETH], NOW, bars={"BTCUSDT": bars()})
    settings: dict[str, Any] = {"instruments": (BTC, ETH), "logins": (LOGIN,)} | (twin or {})
    async with Twin(wire, TwinConfig(**settings), source) as played, AsyncExitStack() as stack:
        inbox = Inbox()
        venue = BinanceVenue(
            config_for(played, **changes), lambda: played.now() + skew_ns, rng=random.Random(1)
        )
        stack.push_async_callback(venue.close)
        made = SpotBench(played, venue, inbox)
        for symbol in () if generated else ("BTCUSDT", "ETHUSDT"):
            made.market(PRICE, PRICE, symbol=symbol)
        if broker:
            await stack.enter_async_context(running(venue.brokers[0], inbox))
            await inbox.live("user")
        if feed:
            await stack.enter_async_context(running(venue.feed, inbox))
            await inbox.live("market")
        yield made
