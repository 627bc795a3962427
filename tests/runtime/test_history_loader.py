"""How much of the past is asked for at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.market.sources import Sources
from engine.model import events as ev
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe
from engine.runtime.history_loader import AGAIN_NS, AT_ONCE, WARM_UP_NS, HistoryLoader
from tests.market.feed import T0, minute
from tests.support.waits import turns, until

SYMBOLS = ("MNQ", "NQ", "MES", "ES", "MGC", "GC")


class SlowFeed:
    """A MarketFeed whose history comes when it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.starts: list[int] = []
        self.told: Sequence[Bar] = ()
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
        if timeframe is not Timeframe.M1:
            return ()
        self.starts.append(start)
        return self.told


async def test_a_link_that_comes_back_loads_few_contracts_at_once_and_all_of_them() -> None:
    """Each of them is days of minutes: all at once would be memory that is never given back."""
    feed = SlowFeed()
    told: list[ev.AnyEvent] = []
    loader = HistoryLoader({"v": feed}, Sources({}, 1, {}), lambda: T0, lambda: T0, told.append, SYMBOLS)
    live = ev.LinkChanged(ts_recv=T0, link="market", state=ev.LinkState.LIVE, venue="v")
    loader.hear(live, (*SYMBOLS, "CL"))  # which an earlier run has traded, and this one does not watch
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


async def test_after_a_break_only_what_is_new_is_loaded_with_an_hour_before_it() -> None:
    """Days of minutes, which are known, again and for all contracts at once would be memory and time."""
    feed, now = SlowFeed(), T0
    loader = HistoryLoader({"v": feed}, Sources({}, 1, {}), lambda: now, lambda: now, lambda _: None, SYMBOLS)
    live = ev.LinkChanged(ts_recv=T0, link="market", state=ev.LinkState.LIVE, venue="v")
    feed.let_go.set()

    async def loaded(count: int) -> int:
        loader.hear(live, ("ES",))
        await until(lambda: len(feed.starts) == count and not feed.under_way)
        await turns()
        return now - feed.starts[-1]

    assert await loaded(1) == WARM_UP_NS
    assert await loaded(2) == WARM_UP_NS  # nothing had come
    feed.told = [minute(-3), minute(-2)]
    await loaded(3)
    now += 600 * MINUTE
    feed.told = ()
    for count in (4, 5):  # what was asked for in vain is asked for again
        assert await loaded(count) == 601 * MINUTE + AGAIN_NS
    month = ev.ContractResolved(
        ts_recv=now, instrument=CME_FUTURES["ES"], contract_id="x", name="ESX", venue="v"
    )
    loader.hear(month, ("ES",))
    await until(lambda: len(feed.starts) == 6)
    assert now - feed.starts[-1] == WARM_UP_NS
