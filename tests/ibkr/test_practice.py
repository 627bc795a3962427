"""The practice twin of TWS keeps its account and its market between runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("ib_async")

from adapters.ibkr.config import IbkrConfig
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.exchange.store import StateError
from adapters.simulator.ibkr.practice import IbPractice, IbTwinConfig
from engine.model.events import AnyEvent, LinkChanged, LinkState, SnapshotTaken
from engine.model.instrument import CME_FUTURES
from engine.model.market import NANOS, Side
from engine.model.orders import OrderType, VenueStatus
from tests.ibkr.stands import MES, QUICK, order
from tests.support.patience import patient
from tests.support.waits import until

WAITS = replace(QUICK, act_s=10.0, protect_s=10.0)


@asynccontextmanager
async def connected(practice: IbPractice) -> AsyncIterator[IbkrVenue]:
    heard: list[AnyEvent] = []
    config = IbkrConfig(instruments={"MES": MES}, port=practice.port, waits=WAITS)
    venue = IbkrVenue(config, practice.now, rng=random.Random(1))
    assert venue.feed is not None
    tasks = [asyncio.create_task(run(heard.append)) for run in (venue.feed.run, venue.brokers[0].run)]
    try:
        live = {"market", "user"}
        await until(
            lambda: (
                live
                <= {one.link for one in heard if isinstance(one, LinkChanged) and one.state is LinkState.LIVE}
            )
        )
        yield venue
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await venue.close()


async def account(venue: IbkrVenue) -> SnapshotTaken:
    return await venue.brokers[0].snapshot(0)


async def holding(venue: IbkrVenue, qty: int) -> SnapshotTaken:
    """The account once it holds so many."""
    async with asyncio.timeout(patient(10)):
        told = await account(venue)
        while sum(one.qty for one in told.positions) != qty:
            told = await account(venue)
    return told


async def test_what_was_held_and_rested_is_there_again_and_ids_go_on(tmp_path: Path) -> None:
    config = IbTwinConfig(state=tmp_path / "venue.db")
    async with IbPractice(config) as practice, connected(practice) as venue:
        broker = venue.brokers[0]
        await broker.place(order("bought", qty=2))
        rests = await broker.place(order("rests", Side.SELL, OrderType.STOP, 2, reduces=True, stop=4_000))
        before = await holding(venue, 2)
        stopped_at = practice.now()
        bars = list(practice.twin.candles[practice._keys["MES"]].closed)
    assert [(one.instrument, one.qty) for one in before.positions] == [("MES", 2)]
    async with IbPractice(config) as practice, connected(practice) as venue:
        after = await account(venue)
        assert practice.now() > stopped_at, "practice time never goes back"
        assert after.positions == before.positions
        assert after.account.balance_usd == before.account.balance_usd
        assert after.fills == before.fills
        live = {one.venue_id: one for one in after.orders if one.status is VenueStatus.WORKING}
        assert set(live) == {rests}
        assert "bought" in {one.client_id for one in after.orders}, "what is over is told for days"
        again = await venue.brokers[0].place(order("more", qty=1))
        assert int(again) > int(rests)
        await holding(venue, 3)
        kept = practice.twin.candles[practice._keys["MES"]].closed
        assert kept[: len(bars)] == bars or kept[: len(bars)][-100:] == bars[-100:]
    async with IbPractice(config) as practice, connected(practice) as venue:
        assert [one.qty for one in (await account(venue)).positions] == [3]


def _copy(kept: Path, there: Path) -> None:
    for file in kept.glob("venue.db*"):
        (there / file.name).write_bytes(file.read_bytes())


async def test_a_killed_one_has_kept_what_it_has_told(tmp_path: Path) -> None:
    config = IbTwinConfig(state=tmp_path / "venue.db")
    async with IbPractice(config) as practice, connected(practice) as venue:
        await venue.brokers[0].place(order("bought", qty=2))
        await holding(venue, 2)
        copy = tmp_path / "killed" / "venue.db"
        copy.parent.mkdir()
        await asyncio.to_thread(_copy, tmp_path, copy.parent)
    async with IbPractice(IbTwinConfig(state=copy)) as practice, connected(practice) as venue:
        assert [one.qty for one in (await account(venue)).positions] == [2]


def test_a_file_of_another_venue_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(StateError):
        IbPractice(IbTwinConfig(state=path))
    assert path.read_bytes().startswith(b"something else")


async def test_its_market_goes_on_from_where_it_was(tmp_path: Path) -> None:
    config = IbTwinConfig(state=tmp_path / "venue.db", speed=20.0)
    async with IbPractice(config) as practice:
        await until(lambda: practice.now() - practice.practice_clock.origin_ns > 10 * NANOS)
        last = {symbol: practice.twin.candles[key].last for symbol, key in practice._keys.items()}
    async with IbPractice(config) as practice:
        for symbol, key in practice._keys.items():
            now = practice.twin.candles[key].last
            was = last[symbol]
            assert now is not None
            assert was is not None
            assert abs(now - was) < 200, symbol
    assert set(last) <= set(CME_FUTURES)
