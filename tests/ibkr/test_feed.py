"""Prices over the gateway's twin: contracts, quotes, trades, history, and the outages of its servers."""

from __future__ import annotations

import asyncio
from dataclasses import replace as replaced

import pytest
from msgspec.structs import replace

pytest.importorskip("ib_async")

from adapters.ibkr.config import IbkrConfig
from adapters.ibkr.probe import probe
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.ibkr.practice import IbPractice, IbTwinConfig
from adapters.simulator.ibkr.records import IbListed
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import AnyEvent, ContractResolved, LinkChanged, LinkState, Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe
from tests.ibkr.stands import FAR, MES, NEAR, PRICE, QUICK, START, ib_stand
from tests.support.waits import until

MINI = replace(MES, tick_value_usd=MES.tick_value_usd * 10)


def minutes(count: int) -> list[Bar]:
    """The newest before the start, oldest first."""
    return [
        Bar(
            "MES",
            Timeframe.M1,
            START - (count - n) * MINUTE,
            PRICE + n,
            PRICE + n + 2,
            PRICE + n - 2,
            PRICE + n,
            5,
        )
        for n in range(count)
    ]


async def test_the_nearest_month_that_is_not_about_to_end_is_taken() -> None:
    async with ib_stand() as one:
        (found,) = one.of(ContractResolved)
        assert (found.contract_id, found.name, found.instrument) == ("1001", "MESZ5", MES)
    ending = IbListed(1003, MES, "20251128")
    async with ib_stand(listed=(ending, FAR)) as one:
        assert [found.name for found in one.of(ContractResolved)] == ["MESH6"]


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ((), "No security definition"),
        (
            (replace(NEAR, instrument=replace(MES, tick_value_usd=MES.tick_value_usd * 10)),),
            "another contract",
        ),
    ],
)
async def test_what_is_not_listed_or_is_another_thing_needs_a_person(
    listed: tuple[IbListed, ...], words: str
) -> None:
    async with ib_stand(listed=listed, started=False) as one:
        with pytest.raises(FatalError, match=words):
            await one.venue.feed.run(one.heard.append)
        assert one.link("market") is LinkState.DOWN


async def test_quotes_and_trades_are_told_in_ticks_with_their_times() -> None:
    async with ib_stand() as one:
        await until(lambda: one.of(Quote))
        assert (one.of(Quote)[-1].bid, one.of(Quote)[-1].ask) == (PRICE, PRICE + 1)
        one.clock.advance(1_234_000_000)
        one.trade(PRICE + 3, 7)
        await until(lambda: one.of(Print))
        (told,) = one.of(Print)
        assert (told.price, told.size, told.ts_venue) == (PRICE + 3, 7, START + 1_234_000_000)
        assert told.venue == "ibkr"


async def test_history_comes_in_pages_and_without_what_is_going_on() -> None:
    bars = minutes(5_000)
    async with ib_stand(history={"MES": bars}) as one:
        one.trade(PRICE)
        found = await one.venue.feed.history("MES", START - 5_000 * MINUTE, START + MINUTE)
        assert [(bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in found] == [
            (bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars
        ]
        assert all(bar.backfilled for bar in found)
        assert one.twin.asked[20] == 2
        halves = await one.venue.feed.history("MES", START - 5_000 * MINUTE, START, Timeframe.M30)
        assert {bar.timeframe for bar in halves} == {Timeframe.M30}
        assert await one.venue.feed.history("MES", START - MINUTE, START, Timeframe.H4) == []
        with pytest.raises(RefusedError):
            await one.venue.feed.history("ES", START - MINUTE, START)


async def test_a_pacing_violation_is_tried_again_and_no_data_is_nothing() -> None:
    async with ib_stand() as one:
        one.twin.wrong.refuses[20] = (162, "Historical Market Data Service error message: pacing violation")
        with pytest.raises(RetryableError, match="pacing"):
            await one.venue.feed.history("MES", START - MINUTE, START)
        one.twin.wrong.refuses[20] = (162, "HMDS query returned no data: MESZ5@CME Trades")
        assert await one.venue.feed.history("MES", START - MINUTE, START) == []


@pytest.mark.parametrize(
    ("lost", "back", "market", "user"),
    [
        (1100, 1102, LinkState.DOWN, LinkState.DOWN),
        (1100, 1101, LinkState.DOWN, LinkState.DOWN),
        (2110, 1102, LinkState.DOWN, LinkState.DOWN),
        (2103, 2104, LinkState.STALE, LinkState.LIVE),
    ],
)
async def test_outages_of_the_servers_are_told_while_the_socket_stays(
    lost: int, back: int, market: LinkState, user: LinkState
) -> None:
    async with ib_stand() as one:
        await until(lambda: one.twin.asked[1])
        one.twin.notice(lost, "Market data farm connection is broken:usfarm")
        await until(lambda: one.link("market") is market)
        assert one.link("user") is user
        one.twin.notice(back, "Market data farm connection is OK:usfarm")
        await one.live()
        await until(lambda: one.twin.asked[1] == 1 + (back == 1101))
        one.quote(PRICE + 10)
        await until(lambda: any(event.bid == PRICE + 10 for event in one.of(Quote)))


async def test_another_session_that_takes_the_prices_is_told() -> None:
    async with ib_stand() as one:
        one.twin.wrong.refuses[1] = (10197, "No market data during competing live session")
        one.twin.drop()
        await until(
            lambda: any("another session of this login" in link.detail for link in one.of(LinkChanged))
        )
        assert one.link("market") is LinkState.DOWN


async def test_a_client_id_that_is_in_use_is_named() -> None:
    async with ib_stand() as one, ib_stand(started=False) as other:
        other.venue.gateway.config = one.venue.config
        run = asyncio.create_task(other.venue.feed.run(other.heard.append))
        await until(lambda: any("client id 17 is in use" in link.detail for link in other.of(LinkChanged)))
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def test_the_connection_is_made_again_and_subscribed_again() -> None:
    async with ib_stand() as one:
        one.twin.drop()
        await until(lambda: one.link("market") is LinkState.DOWN)
        await one.live()
        one.quote(PRICE + 20)
        await until(lambda: any(event.bid == PRICE + 20 for event in one.of(Quote)))
        assert len(one.of(ContractResolved)) == 1


async def test_the_check_tells_versions_account_and_contracts() -> None:
    async with ib_stand(started=False) as one:
        found = await probe(one.venue.config, one.clock)
        assert [check.ok for check in found] == [True] * len(found)
        text = " | ".join(f"{check.name}: {check.detail}" for check in found)
        for words in ("version 2.1", "API version 176 (157 to 178", "DU1234567, PRACTICE", "MES is MESZ5"):
            assert words in text
    async with ib_stand(started=False, server_version=150) as one:
        checks = await probe(one.venue.config, one.clock)
        assert not checks[-1].ok
        assert "start TWS or IB Gateway" in checks[-1].remedy


async def test_nothing_listens() -> None:
    async with ib_stand(started=False) as one:
        config = one.venue.config
    checks = await probe(config, one.clock)
    assert not checks[-1].ok
    assert "nothing listens there" in checks[-1].detail


async def test_the_twin_that_is_served_alone_has_a_market_that_goes_on() -> None:
    async with IbPractice(IbTwinConfig(speed=20.0)) as practice:
        port = practice.port
        config = IbkrConfig(instruments={"MES": MES, "GC": CME_FUTURES["GC"]}, port=port, waits=QUICK)
        venue, heard = IbkrVenue(config, practice.now), list[AnyEvent]()
        run = asyncio.create_task(venue.feed.run(heard.append))
        try:
            for kind in (Quote, Print):
                for symbol in ("MES", "GC"):
                    await until(
                        lambda kind=kind, symbol=symbol: any(  # type: ignore[misc]
                            isinstance(event, kind) and event.instrument == symbol for event in heard
                        )
                    )
            now = practice.now()
            assert len(await venue.feed.history("MES", now - 600 * MINUTE, now)) > 30
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await venue.close()


async def test_a_subscription_that_is_not_answered_is_not_live() -> None:
    async with ib_stand(waits=replaced(QUICK, first_message_s=0.1), started=False) as one:
        one.twin.wrong.unheard.add(1)
        run = asyncio.create_task(one.venue.feed.run(one.heard.append))
        await until(lambda: one.link("market") is LinkState.STALE)
        assert "nothing came: MES" in one.of(LinkChanged)[-1].detail
        assert LinkState.LIVE not in {event.state for event in one.of(LinkChanged)}
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
