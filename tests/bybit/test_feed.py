"""Bybit's market by way of its twin: quotes, prints, history, and what becomes of a stream that fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from msgspec.structs import replace as altered

from adapters.bybit.venue import BybitVenue
from adapters.simulator.wire.bybit.wire import BybitWire
from engine.model.effects import PlaceOrder
from engine.model.errors import Cause, FatalError, RefusedError
from engine.model.events import ContractResolved, LinkState, Print, Quote
from engine.model.market import MINUTE, Timeframe
from engine.model.orders import OrderSpec, OrderType
from tests.bybit.trading import BUY, QUICK, SELL, START, SYMBOL, config_at, trading, twin
from tests.support.instruments import PERPETUAL, SPOT
from tests.support.waits import Inbox


async def test_quotes_and_prints_come_in_ticks_and_lots_after_the_contract() -> None:
    async with trading() as t:
        t.quote(600_010, 600_020)
        t.trade(600_020, 30, SELL)
        told = await t.inbox.until(lambda: [one for one in t.inbox.of(Print) if one.size == 30])
        assert (told[0].instrument, told[0].price, told[0].aggressor) == (SYMBOL, 600_020, SELL)
        t.trade(600_019, 40, BUY)
        t.quote(600_011, 600_020)
        quote = await t.inbox.until(
            lambda: next((one for one in t.inbox.of(Quote) if one.bid == 600_011), None)
        )
        assert (quote.ask, quote.last, quote.venue) == (600_020, 600_019, "bybit")
        assert quote.ts_venue // 1_000_000 * 1_000_000 == quote.ts_venue
        prints = [one for one in t.inbox.of(Print) if one.size in (30, 40)]
        assert [one.seq for one in prints] == sorted(one.seq for one in prints)
        resolved = t.inbox.of(ContractResolved)
        assert [(one.contract_id, one.venue) for one in resolved] == [("BTCUSDT", "bybit")]
        assert t.inbox.index(resolved[0]) < t.inbox.index(t.inbox.of(Quote)[0])
        assert not t.venue.anomalies.counts


async def test_history_is_closed_bars_oldest_first_over_all_pages() -> None:
    from adapters.simulator.market.coins import CoinMarket
    from adapters.simulator.twins.config import TwinConfig
    from adapters.simulator.twins.twin import Twin

    source = CoinMarket((PERPETUAL,), 7, START)
    async with Twin(BybitWire, TwinConfig((PERPETUAL,)), source) as found:
        venue = BybitVenue(config_at(found.url, (PERPETUAL,)), found.now)
        try:
            start = START - 2_500 * MINUTE
            bars = await venue.feed.history(SYMBOL, start, START + MINUTE)
            known = found.exchange.bars(SYMBOL, start, START + MINUTE)
            assert len(bars) == len(known) > 2_400, "three pages"
            assert [altered(one, backfilled=False) for one in bars] == [
                altered(one, backfilled=False) for one in known
            ]
            halves = await venue.feed.history(SYMBOL, start, START, Timeframe.M30)
            assert {one.timeframe for one in halves} == {Timeframe.M30}
            assert len(halves) > 80
            assert await venue.feed.history(SYMBOL, start, START, Timeframe.H1) == []
            with pytest.raises(RefusedError, match="not among the instruments"):
                await venue.feed.history("ETH", start, START)
        finally:
            await venue.close()


async def test_a_lost_stream_comes_back_and_tells_on() -> None:
    async with trading() as t:
        t.twin.faults.add("reset", socket="public")
        await t.inbox.live("market", 2)
        t.trade(599_999, 77)
        await t.inbox.until(lambda: [one for one in t.inbox.of(Print) if one.size == 77])
        assert LinkState.DOWN in t.inbox.states("market")


async def test_a_book_that_is_told_no_more_is_a_fault_of_the_stream() -> None:
    timing = replace(QUICK, quote_silence_s=0.3)
    async with trading(timing=timing) as t:
        t.twin.faults.add("silent", stream="quotes")
        await t.inbox.live("market", 2)
        assert any("no quote of BTCUSDT for 0.3 s" in word for word in t.inbox.words("market"))


async def test_terms_that_differ_are_for_a_person() -> None:
    async with twin(PERPETUAL) as found:
        for instrument, words in (
            (altered(PERPETUAL, tick_size=PERPETUAL.tick_size * 5), "tick size is 0.1 at the venue"),
            (altered(PERPETUAL, root="XYZUSDT"), "lists no XYZUSDT"),
        ):
            venue = BybitVenue(config_at(found.url, (instrument,)), found.now)
            with pytest.raises(FatalError, match=words):
                await venue.feed.run(Inbox())
            await venue.close()


async def test_a_symbol_that_ends_or_pauses_takes_no_others_along() -> None:
    other = altered(PERPETUAL, symbol="ETHUSDT.P", root="ETHUSDT", base="ETH")
    third = altered(PERPETUAL, symbol="SOLUSDT.P", root="SOLUSDT", base="SOL")
    async with twin(PERPETUAL, other, third) as found:
        assert isinstance(found.wire, BybitWire)
        for one in (PERPETUAL, other, third):
            found.push(Quote(ts_recv=START, ts_venue=START, instrument=one.symbol, bid=600_000, ask=600_001))
        venue = BybitVenue(config_at(found.url, (PERPETUAL, other, third)), found.now)
        inbox = Inbox()
        running = asyncio.create_task(venue.feed.run(inbox))
        await inbox.live("market")
        found.wire.delist(other)
        found.wire.pause(third, "Closed")
        found.faults.add("reset", socket="public")
        await inbox.live("market", 2)
        found.push(Quote(ts_recv=START, ts_venue=START, instrument=SYMBOL, bid=600_010, ask=600_011))
        await inbox.until(lambda: [one for one in inbox.of(Quote) if one.bid == 600_010])
        assert (venue.paused("ETHUSDT"), venue.paused("SOLUSDT")) == ("it is not listed any more", "Closed")
        for symbol in (other.symbol, third.symbol):
            spec = OrderSpec(BUY, OrderType.LIMIT, 100, limit=590_000)
            with pytest.raises(RefusedError, match="does not trade now") as refused:
                await venue.brokers[0].place(PlaceOrder("bybit", "ts-1", symbol, spec))
            assert refused.value.cause is Cause.CLOSED
        assert not found.account.orders, "nothing was sent"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await venue.close()


async def test_the_other_category_has_a_stream_of_its_own() -> None:
    async with trading(SPOT, price=200_000) as t:
        t.quote(200_005, 200_006)
        quote = await t.inbox.until(
            lambda: next((one for one in t.inbox.of(Quote) if one.bid == 200_005), None)
        )
        assert quote.instrument == SPOT.symbol
