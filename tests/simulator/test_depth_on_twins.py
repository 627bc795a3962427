"""Order books from the practice venues, through the adapters, over sockets: told, broken, told again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.kraken.kraken_wire import KrakenWire
from engine.model.events import Depth, Quote
from engine.ports import MarketFeed, TellsDepth
from tests.acceptance.runs import at_port
from tests.acceptance.venue_under_test import twin_under_test
from tests.binance import practice as binance
from tests.bybit import trading as bybit
from tests.coinbase import trading as coinbase
from tests.kraken import test_on_twin as kraken
from tests.kraken.samples import BTC
from tests.projectx import practice as projectx
from tests.support.waits import Inbox

Quoting = Callable[[int, int], None]


class Market:
    """An adapter's feed on a venue whose quotes a test makes."""

    def __init__(self, feed: MarketFeed, inbox: Inbox, symbol: str, quote: Quoting, first: int) -> None:
        assert isinstance(feed, TellsDepth)
        self.feed, self.inbox, self.symbol, self._quote, self.at = feed, inbox, symbol, quote, first

    def move(self, by: int = 1) -> None:
        self.at += by
        self._quote(self.at, self.at + 1)

    @property
    def told(self) -> list[Depth]:
        return [one for one in self.inbox.of(Depth) if one.instrument == self.symbol]

    async def stands(self) -> Depth:
        """The book around the touch; the market goes on a little until it has come."""

        def right() -> Depth | None:
            newest = self.told[-1] if self.told else None
            good = newest and not newest.broken and newest.bids and newest.bids[0][0] == self.at
            return newest if good and newest and newest.asks[0][0] == self.at + 1 else None

        return await self.inbox.until(right)  # type: ignore[no-any-return]


@asynccontextmanager
async def on_bybit() -> AsyncIterator[tuple[Market, Twin]]:
    async with bybit.trading() as t:
        yield Market(t.venue.feed, t.inbox, bybit.SYMBOL, t.quote, 600_000), t.twin


@asynccontextmanager
async def on_coinbase() -> AsyncIterator[tuple[Market, Twin]]:
    async with coinbase.trading() as t:
        yield Market(t.venue.feed, t.inbox, coinbase.SYMBOL, t.quote, 200_000), t.twin


@asynccontextmanager
async def on_binance() -> AsyncIterator[tuple[Market, Twin]]:
    async with binance.bench(feed=True, broker=False) as b:

        def quote(bid: int, ask: int) -> None:
            now = b.twin.now()
            b.twin.push(Quote(ts_recv=now, ts_venue=now, instrument="BTCUSDT", bid=bid, ask=ask))

        yield Market(b.venue.feed, b.inbox, "BTCUSDT", quote, binance.PRICE), b.twin


@asynccontextmanager
async def on_kraken() -> AsyncIterator[tuple[Market, Twin]]:
    async with (
        twin_under_test(KrakenWire, BTC, kraken.make, price=120_000, qty=200) as t,
        at_port(t) as at,
    ):

        def quote(bid: int, ask: int) -> None:
            now = t.clock()
            t.twin.push(Quote(ts_recv=now, ts_venue=now, instrument=t.symbol, bid=bid, ask=ask))

        assert at.open.feed is not None
        yield Market(at.open.feed, at.inbox, t.symbol, quote, 120_000), t.twin


LOST = {on_coinbase: "quotes", on_kraken: "book"}
"""By which stream the book comes, where that is not called depth."""


@pytest.mark.parametrize("venue", [on_bybit, on_coinbase, on_binance, on_kraken])
async def test_a_book_comes_while_it_is_looked_at_and_a_lost_change_is_made_good(venue: Any) -> None:
    async with venue() as (market, twin):
        market.move()
        assert not market.told  # nobody looks
        market.feed.watch_depth(frozenset({market.symbol}))
        book = await market.stands()
        assert len(book.bids) > 9
        assert [price for price, _ in book.bids] == [market.at - n for n in range(len(book.bids))]
        market.move(-3)
        await market.stands()
        # A change gets lost: nobody takes what is known for the book, until it was asked for anew.
        twin.faults.add("lost-message", stream=LOST.get(venue, "depth"))
        market.move(2)
        await market.inbox.until(lambda: bool(twin.faults.log))
        twin.faults.clear()
        before = len(market.told)
        market.move()
        await market.inbox.until(lambda: any(one.broken for one in market.told[before:]))
        await market.stands()
        market.feed.watch_depth(frozenset())
        market.move()
        await market.inbox.until(lambda: market.inbox.of(Quote)[-1].bid == market.at)
        assert market.told[-1].bids[0][0] != market.at


async def test_the_practice_venue_of_futures_tells_depth_and_loses_it_with_the_connection() -> None:
    async with projectx.bench() as made:
        symbol = "MNQ"
        made.venue.feed.watch_depth(frozenset({symbol}))  # type: ignore[attr-defined]

        def told() -> list[Depth]:
            return made.inbox.of(Depth)

        await made.inbox.until(lambda: told() and told()[-1].bids)
        first = told()[-1]
        assert first.bids[0][0] == projectx.PRICE
        assert len(first.bids) == len(first.asks) == 10
        assert first.traded
        assert not first.touch_only
        made.practice.controls.reset_depth()
        await made.inbox.until(lambda: told()[-1].resyncs == 1 and len(told()[-1].bids) == 10)
        made.practice.controls.drop_hubs("market")
        await made.inbox.until(lambda: any(one.broken for one in told()))
        made.market(projectx.PRICE + 4)
        good = [one for one in told() if not one.broken]
        await made.inbox.until(lambda: told()[-1].bids and told()[-1].bids[0][0] == projectx.PRICE + 4)
        assert len(told()) > len(good)
