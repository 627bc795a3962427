"""The twin of TWS as the cards want it: its wire is a socket of its own kind, and so are its faults."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from msgspec.structs import replace

from adapters.simulator.ibkr.gateway import IbFault, IbGatewayTwin
from adapters.simulator.ibkr.records import IbListed
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe
from engine.model.orders import VenueOrder
from engine.ports import OpenVenue
from tests.acceptance.door import Door, adapter
from tests.acceptance.venue_under_test import PAST_MINUTES, START, Occasion, VenueUnderTest

PRICE = 20_000
_PLACE = 3


class TwsOccasion:
    """A fault of the twin that is armed."""

    def __init__(self, venue: TwsUnderTest, fault: IbFault) -> None:
        self._venue, self._fault = venue, fault

    @property
    def acted(self) -> int:
        return self._fault.acted

    def disarm(self) -> None:
        if self._fault in self._venue.twin.wrong.once:
            self._venue.twin.wrong.once.remove(self._fault)


class TwsUnderTest(VenueUnderTest):
    name = "ibkr"
    instrument = replace(CME_FUTURES["MES"], tick_value_usd=Decimal("0.05"))
    """Small enough for the trades of the cards."""
    price = PRICE
    qty = 2

    def __init__(self) -> None:
        begun = time.monotonic_ns()
        self.clock = lambda: START + time.monotonic_ns() - begun
        self.past = [
            Bar("MES", Timeframe.M1, at, PRICE + n % 3, PRICE + 9, PRICE - 9, PRICE + n % 5, 100 + n)
            for n, at in enumerate(range(START - PAST_MINUTES * MINUTE, START, MINUTE))
        ]
        self.listed = IbListed(1001, self.instrument, "20311219")
        self.twin = IbGatewayTwin([self.listed], self.clock, history={"MES": self.past})

    def open(self) -> OpenVenue:
        return adapter(self.door, self.clock)

    @property
    def door(self) -> Door:
        return Door("ibkr", f"http://127.0.0.1:{self.twin.port}", self.instrument)

    def market(self, price: int, size: int | None = None) -> None:
        now, key = self.clock(), str(self.listed.con_id)
        much = 1_000 * self.qty if size is None else size
        self.twin.push(Quote(ts_recv=now, ts_venue=now, instrument=key, bid=price, ask=price + 1))
        self.twin.push(Print(ts_recv=now, ts_venue=now, instrument=key, price=price, size=much))

    def fault(self, name: str, /, **options: str | float) -> Occasion:
        fault = IbFault(_PLACE, int(options.get("nth", 1)))
        match name:
            case "reset":
                self.twin.drop()
                return TwsOccasion(self, fault)
            case "duplicate":
                self.twin.account.twice = True
                return TwsOccasion(self, fault)
            case "lost-reply":
                fault.taken = True
            case "refuse":
                fault.refusal = 201, "Order rejected - reason: it is refused"
            case "rate-limit":
                fault.refusal = 100, "Max rate of messages per second has been exceeded"
            case _:
                assert name == "lost-request"
        self.twin.wrong.once.append(fault)
        return TwsOccasion(self, fault)

    def held(self) -> int:
        self.twin.account.pump()
        found = self.twin.account.positions.get(self.listed.con_id)
        return 0 if found is None else found[0]

    def working(self) -> list[VenueOrder]:
        self.twin.account.pump()
        return [order for order in self.twin.account.venue.orders if order.status.live]

    def traded(self) -> int:
        self.twin.account.pump()
        return sum(fill.qty for kept in self.twin.account.kept.values() for fill in kept.fills)


@asynccontextmanager
async def tws_under_test() -> AsyncIterator[TwsUnderTest]:
    venue = TwsUnderTest()
    async with venue.twin:
        venue.market(PRICE)
        yield venue
