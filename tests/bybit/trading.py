"""Bybit's twin on loopback with the adapter before it, and a market that does what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

from msgspec.structs import replace as altered

from adapters.bybit.config import BybitCategory, BybitConfig, BybitHosts, BybitTiming
from adapters.bybit.venue import BybitVenue
from adapters.common.json_link import SocketTiming
from adapters.common.secret import Secret
from adapters.common.steady import passing_ns
from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.twins.config import TwinConfig, TwinLogin
from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.bybit.wire import BybitWire
from engine.model.effects import ClosePosition, PlaceOrder
from engine.model.events import (
    AccountAdopted,
    FillReported,
    OrderReported,
    Print,
    Quote,
    SnapshotTaken,
)
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType, VenueOrder, VenueStatus
from tests.support.instruments import PERPETUAL, SPOT
from tests.support.waits import Inbox

SYMBOL, COIN = PERPETUAL.symbol, SPOT.symbol
FEE_IN_BASE = altered(SPOT, fee_in_base=True)
START = 1_795_000_000_000_000_000
QUICK = BybitTiming(
    connect_s=1.0,
    read_s=2.0,
    act_s=0.4,
    protect_s=0.4,
    settle_s=0.8,
    untold_s=0.3,
    quote_silence_s=6.0,
    socket=SocketTiming(
        open_s=3.0, ping_s=0.5, dead_s=2.0, watch_s=0.05, backoff_first_s=0.01, backoff_cap_s=0.05
    ),
)
LIMIT, STOP, MARKET = OrderType.LIMIT, OrderType.STOP, OrderType.MARKET
BUY, SELL = Side.BUY, Side.SELL


class Trading:
    """A venue with its twin. Prices are ticks."""

    def __init__(self, twin: Twin, venue: BybitVenue, instrument: Instrument) -> None:
        self.twin = twin
        self.venue = venue
        self.broker = venue.brokers[0]
        self.inbox = Inbox()
        self.instrument = instrument
        self._ids = 0

    def quote(self, bid: int, ask: int) -> None:
        now, symbol = self.twin.now(), self.instrument.symbol
        self.twin.push(Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=bid, ask=ask))

    def trade(self, price: int, size: int = 1_000, aggressor: Side = Side.BUY) -> None:
        now, symbol = self.twin.now(), self.instrument.symbol
        self.twin.push(
            Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=size, aggressor=aggressor)
        )

    def order(
        self,
        side: Side,
        kind: OrderType = OrderType.MARKET,
        price: int | None = None,
        *,
        qty: int = 100,
        reduces: bool = False,
        client_id: str = "",
    ) -> PlaceOrder:
        self._ids += 1
        limit, stop = (price if kind is one else None for one in (OrderType.LIMIT, OrderType.STOP))
        spec = OrderSpec(side, kind, qty, limit, stop, reduces=reduces)
        name = client_id or f"ts-t-{self._ids}"
        return PlaceOrder(self.broker.book, name, self.instrument.symbol, spec)

    def closing(self, qty: int = 0, client_id: str = "") -> ClosePosition:
        return ClosePosition(self.broker.book, self.instrument.symbol, client_id, qty)

    def told(self, client_id: str) -> list[VenueOrder]:
        return [one.order for one in self.inbox.of(OrderReported) if one.order.client_id == client_id]

    async def status(self, client_id: str, status: VenueStatus) -> VenueOrder:
        """The order, once the stream has told of it in a status."""
        found: VenueOrder = await self.inbox.until(
            lambda: next((one for one in self.told(client_id) if one.status is status), None)
        )
        return found

    async def fills(self, count: int) -> list[FillReported]:
        found: list[FillReported] = await self.inbox.until(
            lambda: len(told := self.inbox.of(FillReported)) >= count and told
        )
        return found

    async def snapshot(self, since: int = START) -> SnapshotTaken:
        return await self.broker.snapshot(since)

    @property
    def adopted(self) -> AccountAdopted:
        return self.inbox.of(AccountAdopted)[0]


def config_at(
    url: str,
    instruments: Sequence[Instrument],
    secret: str = "practice",
    timing: BybitTiming = QUICK,
) -> BybitConfig:
    rtc = url.replace("http", "ws", 1)
    spot = instruments[0].kind.value == "spot"
    return BybitConfig(
        api_key=Secret("practice"),
        api_secret=Secret(secret),
        instruments={one.symbol: one for one in instruments},
        category=BybitCategory.SPOT if spot else BybitCategory.LINEAR,
        hosts=BybitHosts(url, f"{rtc}/v5/public", f"{rtc}/v5/private", practice=True),
        timing=timing,
    )


@asynccontextmanager
async def twin(*instruments: Instrument, coins: Decimal = Decimal(0)) -> AsyncIterator[Twin]:
    login = TwinLogin(coins={one.base: coins for one in instruments if one.kind.value == "spot" and coins})
    config = TwinConfig(instruments, logins=(login,))
    async with Twin(BybitWire, config, ScriptedMarket(instruments, START)) as found:
        yield found


@asynccontextmanager
async def trading(
    instrument: Instrument = PERPETUAL,
    *,
    price: int = 600_000,
    coins: Decimal = Decimal(0),
    timing: BybitTiming = QUICK,
) -> AsyncIterator[Trading]:
    """Both links are LIVE, and the market stands at a price."""
    async with twin(instrument, coins=coins) as found:
        clock = found.practice_clock  # the engine's own, which a fault of the venue's leaves alone
        config = config_at(found.url, (instrument,), timing=timing)
        venue = BybitVenue(config, lambda: clock.at(passing_ns()))
        trades = Trading(found, venue, instrument)
        trades.quote(price, price + 1)
        trades.trade(price)
        running = [asyncio.create_task(venue.feed.run(trades.inbox))]
        running.append(asyncio.create_task(trades.broker.run(trades.inbox)))
        try:
            await trades.inbox.live("market")
            await trades.inbox.live("user")
            yield trades
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await venue.close()
