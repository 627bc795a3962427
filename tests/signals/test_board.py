from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from engine.market.bars import BarsClosed, MinuteBars
from engine.market.candles import resample
from engine.model.chart import AlignmentView
from engine.model.events import HistoryLoaded
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, USUAL, Bar, Timeframe
from engine.signals import market_data
from engine.signals.alignment import WEIGHTS_PCT, align
from engine.signals.board import SignalBoard
from engine.signals.frame import FrameSignals
from engine.signals.market_data import MarketData
from engine.signals.previous import Previous
from tests.market.feed import T0
from tests.signals.markets import LIVE, SYMBOLS, WARM_UP, minutes, prints_of, run
from tests.signals.shapes import wander


def ignore(closed: BarsClosed, board: SignalBoard) -> None:
    """Look at nothing until the end."""


def ask(closed: BarsClosed, board: SignalBoard) -> None:
    for symbol in SYMBOLS:
        board.alignment(symbol)


def picture(board: SignalBoard) -> bytes:
    views = [board.alignment_view(symbol) for symbol in SYMBOLS]
    zones = [board.zones(symbol, timeframe) for symbol in SYMBOLS for timeframe in Timeframe]
    return msgspec.json.encode([views, zones])


def test_what_counts_of_the_past_depends_on_neither_weekday_nor_loader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However much is loaded, and loaded again: the same sessions count."""
    monkeypatch.setattr(market_data, "MINUTES_SEEN", 900)
    past = tuple(wander(1, 1_500, instrument="MNQ"))

    def seen(*loads: slice) -> bytes:
        market = MarketData({"MNQ": CME_FUTURES["MNQ"]}, 0, MINUTE, Counter())
        for part in loads:
            market.on_history(HistoryLoaded(ts_recv=0, instrument="MNQ", bars=past[part]))
        zones = [market.board.zones("MNQ", timeframe) for timeframe in Timeframe]
        return msgspec.json.encode([market.board.alignment_view("MNQ"), zones])

    little, much = slice(-950, None), slice(None)
    assert len({seen(little), seen(much), seen(little, much)}) == 1
    monkeypatch.setattr(market_data, "MINUTES_SEEN", 1_500)
    assert seen(little) != seen(much), "else this proves nothing"


def test_when_somebody_asks_does_not_matter() -> None:
    market = minutes(1)
    _, asked = run(market, ask)
    _, ignored = run(market, ignore)
    assert picture(asked) == picture(ignored)


def everything(board: SignalBoard, symbol: str, timeframe: Timeframe) -> tuple[object, ...]:
    """What can be seen of one chart."""
    frame = board.frame(symbol, timeframe)
    return (
        (frame.index, frame.bar, list(frame.recent), frame.atr.value, frame.volume.value),
        (frame.reading, frame.pattern, frame.structure.trend, frame.previous_day.high),
        (list(frame.patterns), frame.gaps.live, frame.liquidity.live, frame.legs.last),
        (frame.live_blocks(1), frame.live_blocks(-1), frame.levels.strong(1)),
        (board.zones(symbol, timeframe), board.frame_view(symbol, timeframe, 1)),
        (board.alignment(symbol), board.alignment_view(symbol)),
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_board_asked_at_random_times_says_what_one_asked_at_every_bar_says(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever digests: the question, a spare moment, or the bound on what is kept unread."""
    monkeypatch.setattr("engine.signals.board.MOST_UNREAD", 30)
    rng = random.Random(seed)
    bars, every = run(minutes(seed, 40), ignore, warm_up=0)
    seldom = SignalBoard(CME_FUTURES, bars)
    for symbol in SYMBOLS:
        every.warm_up(symbol)
        seldom.warm_up(symbol)
    compared = 0
    later = [wander(seed * 10 + n, 460, instrument=symbol, first=40) for n, symbol in enumerate(SYMBOLS)]
    for traded in prints_of(later):
        for closed in bars.on_print(traded):
            every.on_closed(closed)
            seldom.on_closed(closed)
            ask(closed, every)
            chance = rng.random()
            symbol, timeframe = rng.choice(SYMBOLS), rng.choice(USUAL)
            if chance < 0.01:
                every.warm_up(symbol)
                seldom.warm_up(symbol)
            elif chance < 0.05:
                seldom.catch_up(rng.randint(1, 60))
            elif chance < 0.12:
                compared += 1
                assert everything(seldom, symbol, timeframe) == everything(every, symbol, timeframe)
    assert compared > 10


def test_a_close_costs_nothing_until_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    digested: list[Bar] = []
    add = FrameSignals.add

    def counted(frame: FrameSignals, bar: Bar) -> None:
        digested.append(bar)
        add(frame, bar)

    monkeypatch.setattr(FrameSignals, "add", counted)
    _, board = run(minutes(2, 400), ignore, warm_up=0)
    assert not digested
    board.catch_up(10)
    assert len(digested) == 10
    board.frame("GC", Timeframe.M5)
    assert {(bar.instrument, bar.timeframe) for bar in digested[10:]} == {("GC", Timeframe.M5)}
    board.catch_up()
    assert len(digested) == sum(len(board._bars.bars(s, t)) for s in SYMBOLS for t in USUAL)


def test_a_frame_is_the_signals_of_its_bars() -> None:
    bars, board = run(minutes(2, 500), ask, warm_up=0)
    for timeframe in USUAL:
        alone = FrameSignals("ES", timeframe)
        for bar in bars.bars("ES", timeframe):
            alone.add(bar)
        frame = board.frame("ES", timeframe)
        assert (frame.index, frame.reading, frame.pattern) == (alone.index, alone.reading, alone.pattern)
        assert frame.bar == bars.bars("ES", timeframe)[-1]


def test_after_warm_up_every_timeframe_has_an_opinion_at_once() -> None:
    views: list[AlignmentView] = []
    run(minutes(3, WARM_UP + 3), lambda closed, board: views.append(board.alignment_view("ES")))
    first = views[0]
    assert [frame.timeframe for frame in first.frames] == list(USUAL)
    assert all(frame.pattern for frame in first.frames)


def test_warm_up_starts_over_from_the_kept_bars() -> None:
    bars, board = run(minutes(4), ask)
    board.warm_up("ES")
    for timeframe in USUAL:
        frame = board.frame("ES", timeframe)
        assert frame.index == len(bars.bars("ES", timeframe)) - 1


def test_a_bar_that_history_already_brought_is_not_counted_twice() -> None:
    bars, board = run(minutes(5, 100), ask, warm_up=0)
    board.warm_up("ES")
    last = bars.bars("ES", Timeframe.M1)[-1]
    board.on_closed(BarsClosed(last.close_ts, (last,)))
    assert board.frame("ES", Timeframe.M1).index == len(bars.bars("ES", Timeframe.M1)) - 1


def test_views_tell_what_the_readings_say() -> None:
    seen: set[str] = set()

    def look(closed: BarsClosed, board: SignalBoard) -> None:
        view = board.alignment_view("MNQ")
        readings = {frame: board.frame("MNQ", frame).reading for frame in USUAL}
        alignment = align(readings)
        assert board.alignment("MNQ") == alignment
        assert (view.score_tenths, view.direction, view.agreeing) == (
            alignment.score_tenths,
            alignment.direction,
            alignment.agreeing,
        )
        assert [frame.weight_pct for frame in view.frames] == list(WEIGHTS_PCT.values())
        for frame in view.frames:
            assert 0 <= frame.strength_pct <= 100
            assert frame.direction == readings[frame.timeframe].direction
        assert view.reasons[0] == f"{view.agreeing} of 5 agree"
        assert view.reasons[-1].startswith("conflict: " if alignment.opposing else "no conflict")
        assert view.verdict.startswith("no trade: ") == bool(alignment.objection)
        seen.add(view.verdict)

    run(minutes(6), look)
    assert {"long", "short"} & seen
    assert any(verdict.startswith("no trade") for verdict in seen)


def test_zones_are_bands_of_ticks_from_the_past() -> None:
    session = {"PC", "OPEN", "HI", "LO"}
    lines = {"LIQ", "PDH", "PDL", "PWH", "PWL", "EQ", "ONH", "ONL", "VWAP"} | session
    kinds: set[tuple[str, int]] = set()

    def look(closed: BarsClosed, board: SignalBoard) -> None:
        for zone in board.zones("ES", Timeframe.M5):
            assert zone.low <= zone.high
            assert zone.from_ts <= zone.known_at <= closed.ts
            assert zone.from_ts < zone.known_at or zone.kind in ("PC", "OPEN")
            assert (zone.direction == 0) == (zone.kind in lines)
            assert zone.low == zone.high or zone.kind not in lines
            kinds.add((zone.kind, zone.direction))

    run(minutes(7), look)
    both = {(kind, side) for kind in ("OB", "BRK", "S/R", "FVG", "IFVG") for side in (1, -1)}
    assert kinds - both == {(kind, 0) for kind in lines - {"PWH", "PWL"}}
    assert both - kinds <= {("IFVG", 1), ("IFVG", -1)}


def test_before_the_first_bar_there_is_an_empty_picture() -> None:
    board = SignalBoard(CME_FUTURES, MinuteBars())
    view = board.alignment_view("ES")
    assert (view.score_tenths, view.verdict) == (0, "no trade: no direction")
    assert [frame.pattern for frame in view.frames] == [""] * 5
    assert board.zones("ES", Timeframe.M1) == ()


def test_an_unknown_instrument_is_an_error_not_a_guess() -> None:
    board = SignalBoard(CME_FUTURES, MinuteBars())
    with pytest.raises(KeyError):
        board.alignment_view("XYZ")


def test_the_market_of_these_tests_plays_all_its_minutes() -> None:
    closes: list[int] = []
    run(minutes(8), lambda closed, board: closes.append(closed.ts))
    assert len(closes) == LIVE - 1
    assert closes == list(range(closes[0], closes[-1] + 1, MINUTE))


def test_the_week_before_comes_from_half_hours_where_minutes_do_not_reach_back() -> None:
    half_hours = wander(3, 48 * 30, timeframe=Timeframe.M30, step=20.0)
    last = half_hours[-1].open_ts
    minutes_only = wander(4, 600, first=(last - T0) // MINUTE - 570)
    bars = MinuteBars()
    bars.feed_up(minutes_only[-1].close_ts)
    board = SignalBoard(CME_FUTURES, bars)
    bars.load_history("ES", minutes_only)
    board.warm_up("ES")
    assert "PWH" not in {zone.kind for zone in board.zones("ES", Timeframe.M5)}
    bars.load_history("ES", half_hours)
    board.warm_up("ES", by_calendar=True)
    found = {zone.kind: zone.low for zone in board.zones("ES", Timeframe.M5)}
    now = Previous()
    for bar in resample(half_hours, Timeframe.H2):
        now.add(bar)
    assert (found["PWL"], found["PWH"]) == (now.week.low, now.week.high)
