from __future__ import annotations

import msgspec
import pytest

from engine.market.bars import BarsClosed, MinuteBars
from engine.model.chart import AlignmentView
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Timeframe
from engine.signals.alignment import WEIGHTS_PCT, align
from engine.signals.board import SignalBoard
from engine.signals.frame import FrameSignals
from tests.signals.markets import LIVE, SYMBOLS, WARM_UP, minutes, run


def ignore(closed: BarsClosed, board: SignalBoard) -> None:
    """Look at nothing until the end."""


def ask(closed: BarsClosed, board: SignalBoard) -> None:
    for symbol in SYMBOLS:
        board.alignment(symbol)


def picture(board: SignalBoard) -> bytes:
    views = [board.alignment_view(symbol) for symbol in SYMBOLS]
    zones = [board.zones(symbol, timeframe) for symbol in SYMBOLS for timeframe in Timeframe]
    return msgspec.json.encode([views, zones])


def test_when_somebody_asks_does_not_matter() -> None:
    market = minutes(1)
    _, asked = run(market, ask)
    _, ignored = run(market, ignore)
    assert picture(asked) == picture(ignored)


def test_a_frame_is_the_signals_of_its_bars() -> None:
    bars, board = run(minutes(2, 500), ask, warm_up=0)
    for timeframe in Timeframe:
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
    assert [frame.timeframe for frame in first.frames] == list(Timeframe)
    assert all(frame.pattern for frame in first.frames)


def test_warm_up_starts_over_from_the_kept_bars() -> None:
    bars, board = run(minutes(4), ask)
    board.warm_up("ES")
    for timeframe in Timeframe:
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
        readings = {frame: board.frame("MNQ", frame).reading for frame in Timeframe}
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
    kinds: set[tuple[str, int]] = set()

    def look(closed: BarsClosed, board: SignalBoard) -> None:
        for zone in board.zones("ES", Timeframe.M5):
            assert zone.low <= zone.high
            assert zone.from_ts < closed.ts
            assert zone.direction in (-1, 1)
            kinds.add((zone.kind, zone.direction))

    run(minutes(7), look)
    assert kinds == {("OB", 1), ("OB", -1), ("S/R", 1), ("S/R", -1)}


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
