"""Faults of market data against the core: late prints, quiet and dead feeds, history told twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.books.opening import PAPER
from engine.core import Core
from engine.market.bars import LATE, REPEATED, BarsClosed, MinuteBars
from engine.model.config import EngineConfig, PaperConfig, TradingSwitch
from engine.model.events import AnyEvent, HistoryLoaded, LinkChanged, LinkState, Print, Quote, TimeAdvanced
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.model.plans import Idea
from engine.model.records import FillApplied
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Declined
from tests.market.feed import T0, at, minute, quoted, traded
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea


class Listener:
    """A strategy that writes down what it was shown."""

    name = "listener"

    def __init__(self) -> None:
        self.heard: list[BarsClosed] = []

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        self.heard.append(closed)
        return ()

    def minutes(self) -> list[Bar]:
        return [bar for one in self.heard for bar in one.bars if bar.timeframe is Timeframe.M1]


class Bench:
    def __init__(self) -> None:
        self.listener = Listener()
        config = EngineConfig((CME_FUTURES["ES"],), "test", "t", 1, TradingSwitch.LIVE)
        self.core = Core(config, self.listener)
        self.core.start(at(-60))
        self.link(-60, LinkState.LIVE)

    def step(self, *events: AnyEvent) -> None:
        for event in events:
            self.core.step(event)

    def link(self, seconds: float, state: LinkState, since: float | None = None) -> None:
        since_ts = 0 if since is None else at(since)
        self.step(LinkChanged(ts_recv=at(seconds), ts_venue=since_ts, link="market", state=state))

    def history(self, seconds: float, bars: Sequence[Bar]) -> None:
        self.step(HistoryLoaded(ts_recv=at(seconds), instrument="ES", bars=tuple(bars)))

    def time(self, seconds: float) -> None:
        self.step(TimeAdvanced(ts_recv=at(seconds)))

    def bars(self) -> tuple[Bar, ...]:
        return self.core.market.bars.bars("ES", Timeframe.M1)

    def seen(self) -> list[tuple[int, bool, bool]]:
        """(minute, gap, backfilled) of every minute that the strategy was shown."""
        return [((b.open_ts - T0) // MINUTE, b.gap, b.backfilled) for b in self.listener.minutes()]


def test_f21_a_late_print_changes_no_emitted_bar_and_fires_nothing_again() -> None:
    bench = Bench()
    bench.step(traded(1, 100), traded(30, 101), traded(60, 102))
    bench.time(61)
    heard, bars = list(bench.listener.heard), bench.bars()
    assert bench.seen() == [(0, False, False)]
    bench.step(traded(59, 104, 9, received=62), traded(10, 97, received=63))
    bench.time(64)
    assert (bench.listener.heard, bench.bars()) == (heard, bars)
    assert bench.core.turn.counts[LATE] == 2
    bench.time(121)
    assert bench.bars()[-1].high == 102


def test_f22_a_quiet_feed_is_not_stale_and_its_empty_minutes_are_no_signals() -> None:
    bench = Bench()
    bench.step(traded(1, 100), traded(60, 101))
    for second in range(61, 301):
        bench.step(quoted(second))
        bench.time(second + 0.5)
        assert not bench.core.market.staleness.stale("ES", at(second + 0.5))
    bench.step(traded(301, 105), traded(361, 106))
    assert bench.seen() == [(0, False, False), (1, False, False), (5, False, False)]


def test_f22_blind_minutes_are_gaps_and_what_history_fills_in_is_announced_to_nobody() -> None:
    bench = Bench()
    bench.step(*(traded(n * 10, 100 + n) for n in range(8)))
    bench.link(100, LinkState.STALE, since=70)
    bench.time(121.5)
    assert bench.core.market.staleness.stale("ES", at(121.5))
    bench.link(200, LinkState.LIVE)
    shown = len(bench.listener.heard)
    bench.history(201, [minute(n, 300 + n) for n in range(-600, 3)])
    assert len(bench.listener.heard) == shown
    bench.step(*(traded(205 + n * 10, 110) for n in range(12)))
    bench.time(301.5)
    # Minute 2 is nobody's signal; 1 and 3 were partly blind, which opens nothing; 4 is whole again.
    assert bench.seen() == [(0, False, False), (1, True, False), (3, True, False), (4, False, False)]
    kept = {(bar.open_ts - T0) // MINUTE: bar for bar in bench.bars()}
    assert (kept[2].backfilled, kept[2].close) == (True, 302)
    assert (kept[0].backfilled, kept[1].backfilled) == (False, False)
    assert bench.core.market.bars.bars("ES", Timeframe.M5)[-1].gap
    indicators = bench.core.market.board.frame("ES", Timeframe.M1)
    assert indicators.bar == bench.bars()[-1]


def test_f22_history_that_comes_in_time_makes_a_blind_minute_whole_but_opens_nothing() -> None:
    bench = Bench()
    bench.step(*(traded(n * 10, 100 + n) for n in range(8)))
    bench.link(100, LinkState.STALE, since=70)
    bench.link(110, LinkState.LIVE)
    bench.history(120.1, [minute(n, 300 + n) for n in range(-10, 2)])
    bench.time(121.5)
    assert bench.seen() == [(0, False, False), (1, False, True)]
    assert bench.bars()[-1].close == 301


def test_f23_stream_and_history_give_one_bar_for_each_key_and_the_emitted_one_stays() -> None:
    bench = Bench()
    bench.history(0, [minute(n, 50) for n in range(-90, 0)])
    bench.step(*(traded(n * 10, 100 + n) for n in range(31)))
    bench.time(301)
    emitted = {bar.open_ts: bar for bar in bench.listener.minutes()}
    assert bench.seen() == [(-1, False, True), *((n, False, False) for n in range(5))]
    for again in range(3):
        bench.history(301 + again, [minute(n, 70) for n in range(-90, 5)])
    for timeframe in Timeframe:
        keys = [bar.open_ts for bar in bench.core.market.bars.bars("ES", timeframe)]
        assert keys == sorted(set(keys))
    kept = {bar.open_ts: bar for bar in bench.bars()}
    assert len(kept) == 95
    assert emitted.items() <= kept.items()


def test_f23_before_its_emission_the_venues_minute_wins() -> None:
    bench = Bench()
    bench.step(traded(1, 100), traded(59, 101))
    bench.history(60.5, [minute(n, 777) for n in range(-3, 1)])
    bench.time(61.5)
    assert [(b.close, b.backfilled) for b in bench.listener.minutes()] == [(777, True)]
    bench.history(62, [minute(0, 888)])
    assert bench.bars()[-1].close == 777


def test_f23_history_loaded_again_is_not_new_though_most_of_it_is_kept_no_more() -> None:
    bars = MinuteBars()
    days = [minute(n, 100 + n % 9) for n in range(-7_000, 0)]
    assert bars.load_history("ES", days) == 7_000
    before = {timeframe: bars.bars("ES", timeframe) for timeframe in Timeframe}
    assert len(before[Timeframe.M1]) == 600
    assert len(before[Timeframe.H1]) > 100
    assert bars.load_history("ES", days) == 0
    assert bars.load_history("ES", days[500:]) == 0
    assert {timeframe: bars.bars("ES", timeframe) for timeframe in Timeframe} == before
    assert bars.load_history("ES", [*days, minute(0, 5)]) == 1


@pytest.mark.parametrize("pieces", [[(-3_000, -960), (-3_000, 0)], [(-960, 0), (-3_000, 0)]])
def test_f23_longer_bars_are_the_same_in_whatever_pieces_history_came(pieces: list[tuple[int, int]]) -> None:
    whole, parts = MinuteBars(timeframes=Timeframe), MinuteBars(timeframes=Timeframe)
    anchor = [minute(0)]
    for bars in (whole, parts):
        bars.load_history("ES", anchor)
    whole.load_history("ES", [minute(n, 100 + n % 7) for n in range(-3_000, 0)])
    for begin, end in pieces:
        parts.load_history("ES", [minute(n, 100 + n % 7) for n in range(begin, end)])
    for timeframe in Timeframe:
        assert len(whole.bars("ES", timeframe)) >= min(600, 2_000 // timeframe.minutes)
        assert parts.bars("ES", timeframe) == whole.bars("ES", timeframe)


@given(st.lists(st.integers(-240, 60), max_size=150), st.randoms(use_true_random=False))
def test_f23_history_in_any_order_and_with_repetitions_is_the_same(minutes: list[int], rng: object) -> None:
    straight, shuffled = MinuteBars(), MinuteBars()
    tidy = [minute(n, 100 + n % 7) for n in sorted({*minutes, 60})]
    messy = [minute(n, 100 + n % 7) for n in [*minutes, 60, *minutes]]
    rng.shuffle(messy)  # type: ignore[attr-defined]
    assert straight.load_history("ES", tidy) == shuffled.load_history("ES", messy)
    for timeframe in Timeframe:
        assert straight.bars("ES", timeframe) == shuffled.bars("ES", timeframe)


@pytest.mark.parametrize("flip", [1_772_956_800, 1_793_516_400])
def test_f24_every_minute_of_a_clock_change_has_exactly_one_bar(flip: int) -> None:
    """02:00 to 03:00 Chicago time is skipped, or comes twice: to bars an hour is an hour (UTC seconds)."""
    start = (flip - 3600) * NANOS
    bars = MinuteBars(grace_ns=0)
    bars.feed_up(start - MINUTE)
    for n in range(180):
        ts = start + n * MINUTE + NANOS
        bars.on_print(Print(ts_recv=ts, ts_venue=ts, instrument="ES", price=100, size=1))
    bars.on_time(start + 180 * MINUTE)
    opened = [bar.open_ts for bar in bars.bars("ES", Timeframe.M1)]
    assert opened == [start + n * MINUTE for n in range(180)]
    hours = [bar.open_ts for bar in bars.bars("ES", Timeframe.H1)]
    assert hours == sorted(set(hours))
    assert {ts % (60 * MINUTE) for ts in hours} == {0}


def test_t5_a_print_told_again_changes_nothing_of_a_paper_book() -> None:
    """Neither its bars nor what its orders are filled with."""

    def market(twice: bool) -> Callable[[ScriptedReplay], Iterator[Quote | Print]]:
        def numbered(play: ScriptedReplay) -> Iterator[Quote | Print]:
            for seq, event in enumerate(prices(play), 1):
                told = replace(event, seq=seq, size=3) if isinstance(event, Print) else event
                yield from (told,) * (2 if twice and isinstance(event, Print) else 1)

        return numbered

    def prices(play: ScriptedReplay) -> Iterator[Quote | Print]:
        yield from play.minutes(2)
        target = next(x.fill.price for x in play.written(FillApplied) if x.book == PAPER) + 80
        for price in (target, PRICE + 30, PRICE + 170):  # at the first target it waits in the queue
            yield from play.move(price, seconds=10)

    once, again = (ScriptedReplay(market(twice), [idea()], paper=PaperConfig()) for twice in (False, True))
    papers = [[x for x in play.journal if getattr(x, "book", None) == PAPER] for play in (once, again)]
    assert papers[0] == papers[1]
    assert len([x for x in papers[0] if isinstance(x, FillApplied)]) > 3
    assert again.core.turn.counts[REPEATED] > 100
