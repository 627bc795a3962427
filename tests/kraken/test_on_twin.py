"""What is Kraken's own, tried on its twin: states of the engine, tokens, books, silence, the old feed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.common.secret import Secret
from adapters.kraken.probe import probe
from adapters.kraken.venue import KrakenVenue
from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.kraken.kraken_wire import KrakenWire
from engine.model.effects import CancelOrder, ClosePosition
from engine.model.errors import Cause, FatalError, RefusedError, RetryableError
from engine.model.events import LinkState, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Side
from engine.model.orders import OrderType, VenueStatus
from engine.ports import Clock, OpenVenue
from tests.acceptance import cards
from tests.acceptance.runs import at_port
from tests.acceptance.venue_under_test import TwinUnderTest, twin_under_test
from tests.kraken.conftest import config_for, entry, running
from tests.kraken.samples import BTC
from tests.support.waits import LOOK_S, Inbox, until


def make(twin: Twin, clock: Clock, instrument: Instrument) -> OpenVenue:
    """The adapter as the twin's client, with short waits."""
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


@pytest.fixture
async def twin() -> AsyncIterator[TwinUnderTest]:
    async with twin_under_test(KrakenWire, BTC, make, price=120_000, qty=200) as venue:
        yield venue


def wire_of(twin: TwinUnderTest) -> KrakenWire:
    wire = twin.twin.wire
    assert isinstance(wire, KrakenWire)
    return wire


def adapter(twin: TwinUnderTest, **changes: Any) -> KrakenVenue:
    given = {"api_key": Secret("practice"), "api_secret": Secret("practice"), "practice": True}
    config = config_for(twin.twin.url.removeprefix("http://"), **(given | changes))
    return KrakenVenue(config, twin.clock)


async def test_orders_that_are_told_without_a_last_row_are_filled_all_the_same(
    twin: TwinUnderTest, tmp_path: Path
) -> None:
    wire_of(twin).private.filled_rows = False
    await cards.order_life(twin, tmp_path)


async def test_a_token_that_the_venue_forgets_is_replaced_and_the_order_goes_out_once(
    twin: TwinUnderTest,
) -> None:
    async with at_port(twin) as at:
        wire_of(twin).tokens.expire()
        bid = cards.placed(twin, "bid", cards.spec_of(twin, Side.BUY, OrderType.LIMIT, 119_000))
        await at.broker.place(bid)
        await at.told(bid.client_id, lambda one: one.status is VenueStatus.WORKING)
        assert len(twin.working()) == 1
        assert at.inbox.states("user") == [LinkState.CONNECTING, LinkState.LIVE]


@pytest.mark.parametrize("system", ["cancel_only", "post_only", "maintenance"])
async def test_entries_wait_for_the_venues_engine(twin: TwinUnderTest, system: str) -> None:
    async with at_port(twin) as at:
        bid = cards.placed(twin, "bid", cards.spec_of(twin, Side.BUY, OrderType.LIMIT, 119_000))
        venue_id = await at.broker.place(bid)
        wire_of(twin).set_system(system)
        again = cards.placed(twin, "again", cards.spec_of(twin, Side.BUY, OrderType.LIMIT, 119_000))

        with pytest.raises(RefusedError) as caught:
            await at.broker.place(again)
        assert caught.value.cause is Cause.CLOSED
        await at.broker.cancel(CancelOrder("kraken", bid.client_id, venue_id, twin.symbol))
        await at.ended(bid.client_id, VenueStatus.CANCELED)
        assert not twin.working()
        wire_of(twin).set_system("online")
        taken = False
        while not taken:  # the word of it may still be on its way
            await asyncio.sleep(LOOK_S)
            with suppress(RefusedError):
                taken = bool(await at.broker.place(again))
        assert len(twin.working()) == 1


async def test_a_wrong_checksum_heals_and_wrong_ones_for_ever_are_told(twin: TwinUnderTest) -> None:
    async with at_port(twin) as at:
        market = wire_of(twin).market
        market.spoil_checksums = 1
        twin.market(120_050)
        await at.inbox.until(lambda: at.inbox.of(Quote)[-1].bid == 120_050)
        assert at.inbox.states("market") == [LinkState.CONNECTING, LinkState.LIVE]
        market.spoil_checksums = -1
        twin.market(120_060)
        await at.inbox.until(lambda: any("broken 5 times" in word for word in at.inbox.words("market")))
        market.spoil_checksums = 0
        await at.inbox.live("market", 2)
        await at.inbox.until(lambda: at.inbox.of(Quote)[-1].bid == 120_060)


async def test_books_of_a_moving_market_pass_their_checks(twin: TwinUnderTest) -> None:
    async with at_port(twin) as at:
        path = [120_000 + (step * 37) % 113 - 50 for step in range(60)]
        for price in path:
            twin.market(price)
        await at.inbox.until(lambda: at.inbox.of(Quote)[-1].bid == path[-1])
        assert isinstance(at.open, KrakenVenue)
        assert at.open.access.anomalies.total == 0
        assert all(one.ask == (one.bid or 0) + 1 for one in at.inbox.of(Quote))


async def test_silence_is_noticed_on_both_sockets(twin: TwinUnderTest) -> None:
    venue, inbox = adapter(twin, dead_s=0.4), Inbox()
    twin.fault("silent", socket="any")  # nobody is there yet
    async with running(venue.feed, inbox), running(venue.brokers[0], inbox):
        await inbox.live("market")
        await inbox.live("user")
        twin.fault("silent", socket="any")
        await inbox.live("market", 2)
        await inbox.live("user", 2)
        assert LinkState.STALE in inbox.states("market")
        assert LinkState.STALE in inbox.states("user")
    await venue.close()


async def test_a_lost_event_makes_a_new_connection_and_a_snapshot_tells(twin: TwinUnderTest) -> None:
    async with at_port(twin) as at:
        twin.fault("lost-message", stream="orders", times=2)  # the first, of both connections
        await at.broker.place(entry(qty=200))
        await at.inbox.live("user", 2)
        await until(lambda: twin.held() == 200)
        taken = await at.broker.snapshot(0)
        assert [one.qty for one in taken.positions] == [200]
        assert sum(one.qty for one in taken.fills) == 200


async def test_a_position_that_was_closed_elsewhere_is_closed(twin: TwinUnderTest) -> None:
    async with at_port(twin) as at:
        await at.broker.place(entry(qty=200))
        await until(lambda: twin.held() == 200)
        twin.fault("lost-message", stream="positions", times=2)  # of both connections
        twin.twin.account.close(twin.symbol)
        await until(lambda: not twin.held())
        await at.broker.close(ClosePosition("kraken", twin.symbol))
        assert not twin.held()


async def test_maintenance_is_waited_out(twin: TwinUnderTest) -> None:
    async with at_port(twin) as at:
        twin.fault("maintenance", seconds=0.3)
        await at.inbox.live("market", 2)
        await at.inbox.live("user", 2)
        assert (await at.broker.snapshot(0)).positions == ()


async def test_the_old_feed_tells_the_same_market(twin: TwinUnderTest) -> None:
    venue, inbox = adapter(twin, protocol="v1"), Inbox()
    async with running(venue.feed, inbox):
        await inbox.live("market")
        for step in range(1, 4):
            twin.market(120_000 + 10 * step, step)
        await inbox.until(lambda: len(inbox.of(Print)) == 3 and inbox.of(Quote)[-1].ask == 120_031)
        assert inbox.of(Quote)[-1].bid == 120_030
        assert [(one.price, one.size) for one in inbox.of(Print)] == [
            (120_010, 1),
            (120_020, 2),
            (120_030, 3),
        ]
        assert venue.access.anomalies.total == 0
        twin.fault("reset")
        await inbox.live("market", 2)
    await venue.close()


# -- who is let in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"api_key": Secret("other")}, "does not know this API key"),
        ({"api_secret": Secret("b3RoZXI=")}, "private key does not belong"),
    ],
)
async def test_wrong_keys_are_told(twin: TwinUnderTest, changes: dict[str, Any], says: str) -> None:
    venue = adapter(twin, **changes)
    with pytest.raises(FatalError, match=says):
        await venue.brokers[0].run(Inbox())
    checks = await probe(venue.access.config, twin.clock)
    assert [(one.name, one.ok) for one in checks] == [
        ("market reachable", True),
        ("instrument", True),
        ("login", False),
    ]
    await venue.close()


async def test_a_nonce_serves_once(twin: TwinUnderTest) -> None:
    venue = adapter(twin)
    await venue.access.tokens.token()
    behind = KrakenVenue(venue.access.config, lambda: twin.clock() - 3600 * NANOS)
    with pytest.raises(RetryableError, match="Invalid nonce"):
        await behind.access.tokens.token()
    await venue.close()
    await behind.close()


async def test_the_twin_passes_the_check(twin: TwinUnderTest) -> None:
    config = replace(adapter(twin).access.config, practice=True)
    checks = await probe(config, twin.clock)
    assert all(one.ok for one in checks)
    assert "PRACTICE, balance 50000 USD" in checks[-1].detail
