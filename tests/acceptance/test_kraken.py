"""The acceptance cards on Kraken Futures and its twin."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from adapters.common.secret import Secret
from adapters.kraken.venue import KrakenVenue
from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.kraken.kraken_wire import KrakenWire
from engine.model.instrument import Instrument
from engine.ports import Clock, OpenVenue
from tests.acceptance.cards import CARDS, Card
from tests.acceptance.under_fire import FireTally, trade_under_fire
from tests.acceptance.venue_under_test import VenueUnderTest, twin_under_test
from tests.kraken.conftest import config_for
from tests.kraken.samples import BTC


def make(twin: Twin, clock: Clock, instrument: Instrument) -> OpenVenue:
    """The adapter as the twin's client."""
    config = config_for(
        twin.url.removeprefix("http://"),
        instruments={instrument.symbol: instrument},
        api_key=Secret("practice"),
        api_secret=Secret("practice"),
        venue="kraken",
        book="kraken",
        practice=True,
        act_s=1.0,
    )
    return KrakenVenue(config, clock, rng=random.Random(1))


def under_test() -> AbstractAsyncContextManager[VenueUnderTest]:
    """The venue as the cards want it."""
    return twin_under_test(KrakenWire, BTC, make, price=120_000, qty=200)


@pytest.fixture
async def venue() -> AsyncIterator[VenueUnderTest]:
    async with under_test() as venue:
        yield venue


@pytest.mark.parametrize("seed", [2, 5])
async def test_a_trade_under_fire(seed: int, venue: VenueUnderTest, tmp_path: Path) -> None:
    tally = FireTally()
    await trade_under_fire(venue, tmp_path, seed, tally)
    assert tally.faults


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.__name__)
async def test_card(card: Card, venue: VenueUnderTest, tmp_path: Path) -> None:
    await card(venue, tmp_path)
