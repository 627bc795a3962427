"""Coinbase's market by way of its twin: the top of a whole book, prints, history, streams that fail."""

from __future__ import annotations

from functools import partial

import pytest
from msgspec.structs import replace as altered

from adapters.coinbase.venue import CoinbaseVenue
from adapters.simulator.market.coins import CoinMarket
from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.coinbase.wire import CoinbaseWire
from engine.model.errors import FatalError
from engine.model.events import ContractResolved, LinkState, Print, Quote
from engine.model.market import MINUTE, Timeframe
from tests.coinbase.trading import ETH, START, SYMBOL, config_at, trading, twin
from tests.support.waits import Inbox


def _quoted(inbox: Inbox, bid: int) -> Quote | None:
    return next((one for one in inbox.of(Quote) if one.bid == bid), None)


async def test_the_top_of_the_book_follows_single_levels() -> None:
    async with trading() as t:
        for bid, ask in ((200_010, 200_012), (199_990, 200_000), (200_100, 200_105)):
            t.quote(bid, ask)
            shown = partial(_quoted, t.inbox, bid)
            quote = await t.inbox.until(shown)
            assert (quote.ask, quote.venue) == (ask, "coinbase")
        t.trade(200_105, 25)
        told = await t.inbox.until(lambda: [one for one in t.inbox.of(Print) if one.size == 25])
        assert (told[0].price, told[0].aggressor, len(told)) == (200_105, None, 1)
        assert not [one for one in t.inbox.of(Print) if one.size == 1_000], "trades of before are history"
        resolved = t.inbox.of(ContractResolved)
        assert [(one.contract_id, one.venue) for one in resolved] == [("ETH-USD", "coinbase")]
        assert not t.venue.anomalies.counts


async def test_history_is_closed_bars_oldest_first_over_all_pages() -> None:
    source = CoinMarket((ETH,), 7, START)
    async with Twin(CoinbaseWire, TwinConfig((ETH,)), source) as found:
        venue = CoinbaseVenue(config_at(found.url, (ETH,)), found.now)
        try:
            start = START - 1_000 * MINUTE
            bars = await venue.feed.history(SYMBOL, start, START + MINUTE)
            known = found.exchange.bars(SYMBOL, start, START + MINUTE)
            assert len(bars) == len(known) > 950, "four pages"
            assert [one.close for one in bars] == [one.close for one in known]
            assert [one.open_ts for one in bars] == [one.open_ts for one in known]
            halves = await venue.feed.history(SYMBOL, start, START, Timeframe.M30)
            assert {one.timeframe for one in halves} == {Timeframe.M30}
            assert await venue.feed.history(SYMBOL, start, START, Timeframe.H1) == []
        finally:
            await venue.close()


@pytest.mark.parametrize("stream", ["quotes", "trades"])
async def test_a_record_that_is_lost_leaves_a_gap_and_ends_the_connection(stream: str) -> None:
    async with trading() as t:
        t.twin.faults.add("lost-message", stream=stream, times=1)
        t.trade(200_001, 11)
        t.quote(200_020, 200_021)
        t.trade(200_021, 12)
        t.quote(200_030, 200_031)
        await t.inbox.live("market", 2)
        assert any("of the stream were lost" in word for word in t.inbox.words("market"))
        await t.inbox.until(lambda: [one for one in t.inbox.of(Quote) if one.bid == 200_030])


async def test_what_is_told_again_is_dropped() -> None:
    async with trading() as t:
        t.twin.faults.add("duplicate", stream="trades", times=1)
        t.trade(200_001, 11)
        t.trade(200_001, 12)
        await t.inbox.until(lambda: [one for one in t.inbox.of(Print) if one.size == 12])
        assert len([one for one in t.inbox.of(Print) if one.size == 11]) == 1
        assert t.inbox.states("market").count(LinkState.LIVE) == 1


async def test_a_stream_without_heartbeats_is_dead() -> None:
    async with trading() as t:
        t.twin.faults.add("silent", stream="any", socket="public")
        await t.inbox.live("market", 2)
        assert any("no record for 2 s" in word for word in t.inbox.words("market"))


async def test_terms_that_differ_are_for_a_person() -> None:
    async with twin() as found:
        for instrument, words in (
            (altered(ETH, tick_size=ETH.tick_size * 5), "tick size is 0.01 at the venue"),
            (altered(ETH, root="XYZ-USD"), "lists no XYZ-USD"),
        ):
            venue = CoinbaseVenue(config_at(found.url, (instrument,)), found.now)
            with pytest.raises(FatalError, match=words):
                await venue.feed.run(Inbox())
            await venue.close()
