"""How much of the past is asked for at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.market.sources import Sources
from engine.model import events as ev
from engine.model.market import Bar, Timeframe
from engine.runtime.history_loader import AT_ONCE, HistoryLoader
from tests.market.feed import T0
from tests.support.waits import turns, until

SYMBOLS = ("MNQ", "NQ", "MES", "ES", "MGC", "GC")


class SlowFeed:
    """A MarketFeed whose history comes when it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.under_way = self.most = 0
        self.let_go = asyncio.Event()

    async def run(self, sink: object) -> None:
        raise AssertionError("nobody runs it")

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.let_go.wait()
        finally:
            self.under_way -= 1
        self.asked.append(f"{instrument} {timeframe.value}")
        return ()


async def test_a_link_that_comes_back_loads_few_contracts_at_once_and_all_of_them() -> None:
    """Each of them is days of minutes: all at once would be memory that is never given back."""
    feed = SlowFeed()
    told: list[ev.AnyEvent] = []
    loader = HistoryLoader({"v": feed}, Sources({}, 1, {}), lambda: T0, lambda: T0, told.append)
    live = ev.LinkChanged(ts_recv=T0, link="market", state=ev.LinkState.LIVE, venue="v")
    loader.hear(live, SYMBOLS)
    await turns()
    assert feed.under_way == AT_ONCE < len(SYMBOLS)
    loader.hear(live, SYMBOLS)  # again: those that wait, and those that are under way, are replaced
    await turns()
    assert feed.under_way == AT_ONCE
    feed.let_go.set()
    await until(lambda: len(feed.asked) == 2 * len(SYMBOLS))
    assert feed.most == AT_ONCE
    assert feed.asked[: len(SYMBOLS)] == [f"{symbol} 1m" for symbol in SYMBOLS]  # what is newest comes first
    assert [one.instrument for one in told if isinstance(one, ev.HistoryLoaded)] == list(SYMBOLS)
