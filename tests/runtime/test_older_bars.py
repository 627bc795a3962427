"""Bars older than the core's: a chart grows to the left without a gap, and nothing else sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market.calendars.known import CME
from engine.market.candles import resample
from engine.market.sources import Sources
from engine.model import events as ev
from engine.model.chart import ChartView, OlderBars
from engine.model.errors import RetryableError
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.ports import Sink
from engine.runtime import older_bars
from engine.runtime.older_bars import OlderBarsLoader
from tests.market.feed import T0
from tests.support.engine_fakes import MNQ, FakedEngine, resolved
from tests.support.waits import turns, until

M5 = Timeframe.M5
DAYS = 24
KEPT = 60
"""Bars that the core gives here."""


def _market() -> tuple[Bar, ...]:
    """Every sixth minute of the sessions of some weeks before T0."""
    opened = range(T0 - T0 % MINUTE - DAYS * 24 * 60 * MINUTE, T0 - MINUTE, 6 * MINUTE)
    times = [ts for ts in opened if CME.is_open(ts)]
    return tuple(Bar("MNQ", Timeframe.M1, ts, n, n + 3, n - 2, n + 1, 1) for n, ts in enumerate(times))


MARKET = _market()
HALF_HOURS = tuple(resample(MARKET, Timeframe.M30))
CHARTS = {frame: tuple(resample(MARKET, frame)) for frame in (Timeframe.M1, M5, Timeframe.H1, Timeframe.H4)}


class History:
    """A venue's history of the market above."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, Timeframe]] = []
        self.errors: list[Exception] = []

    async def run(self, sink: Sink) -> None:
        await asyncio.Event().wait()

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        self.asked.append((start, end, timeframe))
        if self.errors:
            raise self.errors.pop(0)
        bars = {Timeframe.M1: MARKET, Timeframe.M30: HALF_HOURS}[timeframe]
        return [bar for bar in bars if start <= bar.open_ts < end]


def _loader(feed: History) -> OlderBarsLoader:
    return OlderBarsLoader({"": feed}, Sources({}, NANOS, {}), CME_FUTURES)


async def _loaded(loader: OlderBarsLoader, core: tuple[Bar, ...], frame: Timeframe) -> OlderBars:
    """The chart's state once what it asks for has come."""
    loader.load(core, ("MNQ", frame))
    await asyncio.gather(*loader.tasks, return_exceptions=True)
    return loader.before(core, ("MNQ", frame))[1]


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(list(CHARTS)),
    st.lists(st.one_of(st.just(0), st.integers(1, KEPT + 20)), min_size=1, max_size=12),
)
def test_a_chart_is_always_the_market_s_newest_bars_without_a_gap(frame: Timeframe, moves: list[int]) -> None:
    """0 asks for older bars; any other number lets so many more close before the next look."""
    every, feed = CHARTS[frame], History()

    async def play() -> None:
        loader, newest = _loader(feed), len(every) // 2
        seen = False
        for move in moves:
            newest = min(len(every), newest + move)
            core = every[max(0, newest - KEPT) : newest]
            before = loader.before(core, ("MNQ", frame))[0]
            if move == 0:
                seen = await _loaded(loader, core, frame) is not OlderBars.FAILED or seen
            bars, _ = loader.before(core, ("MNQ", frame))
            assert bars == every[newest - len(bars) : newest]
            assert len(bars) > len(before) or move or newest == len(bars)

    asyncio.run(play())


@pytest.mark.parametrize("frame", CHARTS)
async def test_older_bars_come_to_the_very_first_one(frame: Timeframe) -> None:
    """By a few polite requests; each bar once, and each as whole as it can be."""
    every, feed = CHARTS[frame], History()
    core, loader = every[-KEPT:], _loader(feed)
    asked = 0
    while await _loaded(loader, core, frame) is OlderBars.MORE:
        asked += 1
        assert asked < 12
    bars, state = loader.before(core, ("MNQ", frame))
    assert (bars, state) == (every, OlderBars.NONE)
    assert len({id(bars), id(loader.before(core, ("MNQ", frame))[0])}) == 1, "joined once, not at every look"
    requests = len(feed.asked)
    assert await _loaded(loader, core, frame) is OlderBars.NONE
    assert len(feed.asked) == requests, "who has been told that there is nothing is not asked again"


async def test_memory_is_bounded_by_bars_and_by_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_bars, "MOST_BARS", 300)
    monkeypatch.setattr(older_bars, "MOST_CHARTS", 2)
    loader, every = _loader(History()), CHARTS[M5]
    core = every[-KEPT:]
    assert await _loaded(loader, core, M5) is OlderBars.MOST
    assert await _loaded(loader, core, M5) is OlderBars.MOST
    core = every[-KEPT:]
    assert len(loader.before(core, ("MNQ", M5))[0]) <= 300 + KEPT
    for frame in (Timeframe.M1, Timeframe.H1):
        await _loaded(loader, CHARTS[frame][-KEPT:], frame)
    assert loader.before(core, ("MNQ", M5)) == (core, OlderBars.MORE), "looked at longest ago"
    assert len(loader.before(CHARTS[Timeframe.H1][-KEPT:], ("MNQ", Timeframe.H1))[0]) > KEPT


async def test_another_month_s_bars_are_no_part_of_the_chart() -> None:
    loader, core = _loader(History()), CHARTS[M5][-KEPT:]
    await _loaded(loader, core, M5)
    loader.load(core, ("MNQ", M5))
    loader.hear(ev.ContractResolved(ts_recv=T0, instrument=MNQ, contract_id="y", name="MNQY"))
    await turns()
    assert loader.before(core, ("MNQ", M5)) == (core, OlderBars.MORE)


async def test_without_a_venue_there_is_nothing_older() -> None:
    loader = OlderBarsLoader({}, Sources({}, NANOS, {}), CME_FUTURES)
    core = CHARTS[M5][-KEPT:]
    assert loader.before(core, ("MNQ", M5)) == (core, OlderBars.NONE)
    assert await _loaded(loader, core, M5) is OlderBars.NONE


async def test_a_failed_load_is_told_and_tried_again_and_only_the_chart_changes() -> None:
    """Neither what strategies see, nor journal, nor tape."""
    taped: list[ev.AnyEvent] = []
    faked, feed = FakedEngine(taped.append), History()

    async def resolves(sink: Sink) -> None:
        sink(resolved())

    faked.feed.on_run = resolves
    older = faked.engine._older
    older._feeds = {"": feed}

    def chart() -> ChartView:
        found = faked.engine.chart("MNQ", M5)
        assert found is not None
        return found

    async with faked.running():
        await until(lambda: faked.feed.history_calls)
        hour = [bar for bar in MARKET if bar.open_ts >= T0 - 10 * 60 * MINUTE]
        faked.engine.hear(ev.HistoryLoaded(ts_recv=T0, instrument="MNQ", bars=tuple(hour)))
        await until(lambda: len(faked.core.market.bars.bars("MNQ", M5)) > 20)
        seen = faked.core.market.bars.bars("MNQ", M5)
        await until(lambda: faked.journal.records)
        records, signals = list(faked.journal.records), faked.core.market.board.frame("MNQ", M5).index
        feed.errors = [RetryableError("busy"), KeyError("a bug")]
        while feed.errors:
            asked = len(feed.asked)
            faked.engine.load_older("MNQ", M5)
            await until(lambda asked=asked: len(feed.asked) > asked)  # type: ignore[misc]
            await until(lambda: chart().older is OlderBars.FAILED)
            assert chart().bars == seen
        faked.engine.load_older("MNQ", M5)
        faked.engine.load_older("MNQ", M5)
        faked.engine.load_older("XYZ", M5)
        await until(lambda: len(chart().bars) > len(seen) + 100)
        assert len(feed.asked) == 3, "one load at a time"
        assert faked.core.market.bars.bars("MNQ", M5) == seen
        assert faked.core.market.board.frame("MNQ", M5).index == signals
        assert faked.journal.records == records
        assert [event for event in taped if isinstance(event, ev.HistoryLoaded)][-1].bars == tuple(hour)
