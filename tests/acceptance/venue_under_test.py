"""What a card works with: a venue's adapter, its twin, and the truth behind the adapter's back."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.twin import Twin
from adapters.simulator.twins.wire import TwinWire
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.orders import VenueOrder
from engine.ports import Clock, OpenVenue

START = 1_949_149_800_000_000_000
"""2031-10-07T14:30:00Z, a Tuesday."""
PAST_MINUTES = 150


class Occasion(Protocol):
    """A fault that is armed."""

    @property
    def acted(self) -> int: ...
    def disarm(self) -> None: ...


class VenueUnderTest(ABC):
    """One venue. Prices are ticks, quantities lots, of `instrument`; everything is bought first."""

    name: str
    """Of the venue in events; its one book is called the same."""
    instrument: Instrument
    price: int
    """Where its market begins."""
    qty: int
    """Of a usual trade; an even number."""
    clock: Clock
    past: Sequence[Bar]
    """Closed minutes that the venue has from before START, oldest first."""

    @abstractmethod
    def open(self) -> OpenVenue:
        """A new adapter, as a new process makes it."""

    @abstractmethod
    def market(self, price: int, size: int | None = None) -> None:
        """The market is there: a quote one tick wide, and a print of so many lots, much without."""

    @abstractmethod
    def fault(self, name: str, /, **options: str | float) -> Occasion:
        """Arm a fault that every twin has: lost-request, lost-reply, hang, duplicate, reset, ..."""

    @abstractmethod
    def held(self) -> int:
        """Signed lots that the account has, by the venue's own books."""

    @abstractmethod
    def working(self) -> list[VenueOrder]:
        """Live orders, by the venue's own books."""

    @abstractmethod
    def traded(self) -> int:
        """Lots of all fills of the account, bought and sold, by the venue's own books."""

    @property
    def symbol(self) -> str:
        return self.instrument.symbol


Make = Callable[[Twin, Clock, Instrument], OpenVenue]


class TwinUnderTest(VenueUnderTest):
    """Around a twin of adapters/simulator/twins."""

    def __init__(self, twin: Twin, clock: Clock, make: Make, price: int, qty: int, name: str) -> None:
        self.twin = twin
        self.clock = clock
        self.name = name
        self.price = price
        self.qty = qty
        self.instrument = next(iter(twin.exchange.instruments.values()))
        self.past = twin.exchange.bars(self.symbol, 0, START)
        self._make = make
        self._before = self._has()

    def open(self) -> OpenVenue:
        return self._make(self.twin, self.clock, self.instrument)

    def market(self, price: int, size: int | None = None) -> None:
        now, symbol = self.clock(), self.symbol
        much = 1_000 * self.qty if size is None else size
        self.twin.push(
            Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1),
            Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=much, aggressor=Side.SELL),
        )

    def fault(self, name: str, /, **options: str | float) -> Occasion:
        return self.twin.faults.add(name, **options)

    def held(self) -> int:
        self.twin.pump()
        return self._has() - self._before

    def working(self) -> list[VenueOrder]:
        self.twin.pump()
        return [one.order for one in self.twin.account.live()]

    def traded(self) -> int:
        self.twin.pump()
        return sum(one.fill.qty for one in self.twin.account.fills)

    def _has(self) -> int:
        """Lots of a position, or of a coin."""
        account, known = self.twin.account, self.instrument
        if known.kind is not InstrumentKind.SPOT:
            return account.held(known.symbol)
        coins = {one.currency: one.total for one in account.holdings.balances}
        return int(coins.get(known.base, 0) // known.lot_size)


@asynccontextmanager
async def twin_under_test(
    wire: type[TwinWire],
    instrument: Instrument,
    make: Make,
    *,
    price: int,
    qty: int,
    name: str = "",
) -> AsyncIterator[TwinUnderTest]:
    """A twin that lists one instrument, in a market that is moved by hand; the clock runs as ours does."""
    begun = time.monotonic_ns()

    def clock() -> int:
        return START + time.monotonic_ns() - begun

    past = [
        Bar(instrument.symbol, Timeframe.M1, at, price + n % 3, price + 9, price - 9, price + n % 5, 100 + n)
        for n, at in enumerate(range(START - PAST_MINUTES * MINUTE, START, MINUTE))
    ]
    source = ScriptedMarket([instrument], START, bars={instrument.symbol: past})
    async with Twin(wire, TwinConfig((instrument,)), source, clock) as twin:
        venue = TwinUnderTest(twin, clock, make, price, qty, name or wire.NAME)
        venue.market(price)
        yield venue
