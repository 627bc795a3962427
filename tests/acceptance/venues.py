"""Every kind of venue that has a twin, as the cards want it: whatever stands in `tstream.venues.known`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from adapters.simulator.twins.twin import Twin
from engine.model.instrument import Instrument
from engine.ports import Clock, OpenVenue
from tests.acceptance.door import Door, adapter
from tests.acceptance.venue_under_test import Make, TwinUnderTest, twin_under_test
from tstream.venues.known import kind, ours
from tstream.venues.twin import WireTwin

PRICE, WORTH = Decimal(60_000), Decimal(400)
"""Where the market begins, and about what a trade is worth."""

VENUES = tuple(
    name for name in ours() if isinstance(kind(name).practice, WireTwin) and not kind(name).prices_only
)


@asynccontextmanager
async def kind_under_test(name: str) -> AsyncIterator[TwinUnderTest]:
    """Its twin with its first instrument, and its adapter made as a run makes it."""
    known = kind(name)
    practice = known.practice
    assert isinstance(practice, WireTwin)
    instrument = next(iter(known.instruments.values()))
    price = int(PRICE / instrument.tick_size)
    qty = 2 * max(1, int(WORTH / instrument.notional(price) / 2))
    wire, make = practice.wire(), making(name)
    async with twin_under_test(wire, instrument, make, price=price, qty=qty, name=name) as venue:
        yield venue


def making(name: str, speed: float = 1.0) -> Make:
    """The adapter of a kind as a run makes it, at a venue whose time runs so fast."""

    def make(twin: Twin, clock: Clock, listed: Instrument) -> OpenVenue:
        return adapter(door_to(name, twin, listed, speed), clock)

    return make


def door_to(name: str, twin: Twin, listed: Instrument, speed: float = 1.0) -> Door:
    login = twin.account.login
    return Door(name, twin.url, listed, (login.key, login.secret, login.passphrase), speed)
