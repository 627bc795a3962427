"""Coinbase's twin on loopback with the adapter before it, and a market that does what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

from msgspec.structs import replace as altered

from adapters.coinbase.config import CoinbaseConfig, CoinbaseHosts, CoinbaseTiming
from adapters.coinbase.venue import CoinbaseVenue
from adapters.common.json_link import SocketTiming
from adapters.common.secret import Secret
from adapters.common.steady import passing_ns
from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.twins.config import TwinConfig, TwinLogin
from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.coinbase.tokens import practice_key
from adapters.simulator.wire.coinbase.wire import CoinbaseWire
from engine.model.effects import ClosePosition, PlaceOrder
from engine.model.errors import RetryableError
from engine.model.events import AccountAdopted, FillReported, OrderReported, Print, Quote, SnapshotTaken
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType, VenueOrder, VenueStatus
from tests.support.instruments import SPOT
from tests.support.waits import Inbox

ETH = altered(SPOT, symbol="ETHUSD", root="ETH-USD", currency="USD")
SYMBOL = ETH.symbol
START = 1_795_000_000_000_000_000
QUICK = CoinbaseTiming(
    connect_s=1.0,
    read_s=2.0,
    act_s=0.4,
    protect_s=0.4,
    settle_s=0.8,
    fills_s=0.05,
    socket=SocketTiming(
        open_s=3.0, ping_s=5.0, dead_s=2.0, watch_s=0.05, backoff_first_s=0.01, backoff_cap_s=0.05
    ),
)
LIMIT, STOP, MARKET = OrderType.LIMIT, OrderType.STOP, OrderType.MARKET
BUY, SELL = Side.BUY, Side.SELL


class CoinTrading:
    """A venue with its twin. Prices are ticks."""

    def __init__(self, twin: Twin, venue: CoinbaseVenue) -> None:
        self.twin = twin
        self.venue = venue
        self.broker = venue.brokers[0]
        self.inbox = Inbox()
        self._ids = 0

    def quote(self, bid: int, ask: int) -> None:
        now = self.twin.now()
        self.twin.push(Quote(ts_recv=now, ts_venue=now, instrument=SYMBOL, bid=bid, ask=ask))

    def trade(self, price: int, size: int = 1_000) -> None:
        now = self.twin.now()
        self.twin.push(Print(ts_recv=now, ts_venue=now, instrument=SYMBOL, price=price, size=size))

    def order(
        self,
        side: Side,
        kind: OrderType = OrderType.MARKET,
        price: int | None = None,
        *,
        qty: int = 1_000,
        reduces: bool = False,
        client_id: str = "",
    ) -> PlaceOrder:
        self._ids += 1
        limit, stop = (price if kind is one else None for one in (OrderType.LIMIT, OrderType.STOP))
        spec = OrderSpec(side, kind, qty, limit, stop, reduces=reduces)
        return PlaceOrder(self.broker.book, client_id or f"ts-t-{self._ids}", SYMBOL, spec)

    def closing(self, qty: int, client_id: str) -> ClosePosition:
        return ClosePosition(self.broker.book, SYMBOL, client_id, qty)

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

    async def snapshot(self) -> SnapshotTaken:
        """The first that is whole: what was just taken is in the venue's lists a little later."""
        async with asyncio.timeout(10):
            while True:
                try:
                    return await self.broker.snapshot(START)
                except RetryableError:
                    await asyncio.sleep(0.02)

    @property
    def adopted(self) -> AccountAdopted:
        return self.inbox.of(AccountAdopted)[0]


def config_at(url: str, instruments: Sequence[Instrument], secret: str = "practice") -> CoinbaseConfig:
    streams = url.replace("http", "ws", 1)
    return CoinbaseConfig(
        key_name=Secret("practice"),
        private_key=Secret(practice_key(secret)),
        instruments={one.symbol: one for one in instruments},
        hosts=CoinbaseHosts(url, f"{streams}/market", f"{streams}/user", practice=True),
        timing=QUICK,
    )


@asynccontextmanager
async def twin(coins: Decimal = Decimal(0)) -> AsyncIterator[Twin]:
    config = TwinConfig((ETH,), logins=(TwinLogin(coins={"ETH": coins} if coins else {}),))
    async with Twin(CoinbaseWire, config, ScriptedMarket((ETH,), START)) as found:
        yield found


@asynccontextmanager
async def trading(*, price: int = 200_000, coins: Decimal = Decimal(0)) -> AsyncIterator[CoinTrading]:
    """Both links are LIVE, and the market stands at a price."""
    async with twin(coins) as found:
        clock = found.practice_clock  # the engine's own, which a fault of the venue's leaves alone
        venue = CoinbaseVenue(config_at(found.url, (ETH,)), lambda: clock.at(passing_ns()))
        trades = CoinTrading(found, venue)
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
