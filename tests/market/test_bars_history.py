"""Start, warm-up, gaps and backfill."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.market.bars import MinuteBars
from engine.model.market import MINUTE, Bar, Timeframe
from tests.market.feed import T0, at, emitted, minute, play, traded


def opens(bars: MinuteBars, timeframe: Timeframe = Timeframe.M1) -> list[int]:
    return [(bar.open_ts - T0) // MINUTE for bar in bars.bars("ES", timeframe)]


def test_the_minute_in_which_the_stream_begins_is_dropped() -> None:
    bars = MinuteBars()
    closed = play(bars, [traded(20, 100), traded(61, 101), traded(121, 102)])
    assert [bar.open_ts for bar in emitted(closed)] == [T0 + MINUTE]


def test_a_stream_known_to_be_complete_keeps_its_first_minute() -> None:
    bars = MinuteBars()
    bars.feed_up(T0 - 1)
    closed = play(bars, [traded(20, 100), traded(61, 101)])
    assert [bar.open_ts for bar in emitted(closed)] == [T0]


def test_history_that_comes_in_time_completes_the_first_minute() -> None:
    bars = MinuteBars()
    play(bars, [traded(20, 100), traded(60.2, 101)])
    bars.load_history("ES", [minute(0, 77)])
    (bar,) = emitted(bars.on_time(at(61)))
    assert (bar.open_ts, bar.close, bar.backfilled) == (T0, 77, True)


def test_history_that_comes_later_fills_the_first_minute_in() -> None:
    bars = MinuteBars()
    play(bars, [traded(20, 100), traded(61, 101), traded(121, 102)])
    assert bars.load_history("ES", [minute(-1), minute(0, 77)]) == 2
    assert opens(bars) == [-1, 0, 1]
    assert [bar.backfilled for bar in bars.bars("ES", Timeframe.M1)] == [True, True, False]


def test_the_first_longer_bars_are_dropped_without_history() -> None:
    bars = MinuteBars()
    bars.feed_up(at(120))
    closed = play(bars, [traded(120 + n * 30, 100 + n) for n in range(40)])
    assert [(bar.open_ts - T0) // MINUTE for bar in emitted(closed, Timeframe.M5)] == [5, 10, 15]
    assert emitted(closed, Timeframe.M15) == []


def test_history_completes_the_first_longer_bars() -> None:
    bars = MinuteBars()
    bars.load_history("ES", [minute(n) for n in range(-90, 2)])
    bars.feed_up(at(120))
    closed = play(bars, [traded(120 + n * 30, 100 + n) for n in range(40)])
    (five, *_) = emitted(closed, Timeframe.M5)
    assert (five.open_ts, five.n_src, five.gap, five.backfilled) == (T0, 5, False, False)
    (fifteen,) = emitted(closed, Timeframe.M15)
    assert (fifteen.n_src, fifteen.gap) == (15, False)


def test_a_hole_between_history_and_stream_flags_the_longer_bars() -> None:
    bars = MinuteBars()
    bars.load_history("ES", [minute(n) for n in range(-90, 1)])
    closed = play(bars, [traded(70 + n * 30, 100 + n) for n in range(40)])
    assert [bar.gap for bar in emitted(closed, Timeframe.M5)] == [True, False, False, False]
    assert not any(bar.gap for bar in emitted(closed))
    assert emitted(closed, Timeframe.M5)[0].n_src == 4


def test_history_makes_longer_bars_of_whole_intervals_only() -> None:
    bars = MinuteBars()
    bars.load_history("ES", [minute(n) for n in range(-67, 0)])
    assert opens(bars, Timeframe.M5) == list(range(-65, 0, 5))
    assert opens(bars, Timeframe.M15) == [-60, -45, -30, -15]
    assert opens(bars, Timeframe.H1) == [-60]
    assert all(bar.backfilled for bar in bars.bars("ES", Timeframe.H1))


def test_an_emitted_bar_is_never_replaced() -> None:
    bars = MinuteBars()
    bars.feed_up(T0)
    closed = play(bars, [traded(n * 20, 100 + n) for n in range(20)])
    before = {timeframe: bars.bars("ES", timeframe) for timeframe in Timeframe}
    assert bars.load_history("ES", [minute(n, 500) for n in range(5)]) == 0
    assert {timeframe: bars.bars("ES", timeframe) for timeframe in Timeframe} == before
    assert emitted(closed) == list(before[Timeframe.M1])


def test_history_wins_over_the_candle_of_a_minute_that_is_still_open() -> None:
    bars = MinuteBars()
    bars.feed_up(T0)
    play(bars, [traded(1, 100), traded(60.1, 101)])
    bars.load_history("ES", [minute(0, 555)])
    play(bars, [traded(59.9, 103, received=60.4)])
    (bar,) = emitted(bars.on_time(at(61)))
    assert bar == minute(0, 555)


def test_overlapping_and_repeated_history_gives_each_key_once() -> None:
    bars = MinuteBars()
    assert bars.load_history("ES", [minute(n) for n in range(-30, -10)]) == 20
    assert bars.load_history("ES", [minute(n) for n in range(-20, 0)]) == 10
    assert bars.load_history("ES", [minute(n) for n in range(-30, 0)]) == 0
    assert opens(bars) == list(range(-30, 0))
    assert opens(bars, Timeframe.M5) == list(range(-30, 0, 5))


def test_history_of_something_else_is_refused() -> None:
    bars = MinuteBars()
    with pytest.raises(ValueError, match="GC"):
        bars.load_history("ES", [minute(0, instrument="GC")])
    with pytest.raises(ValueError, match="5m"):
        bars.load_history("ES", [Bar("ES", Timeframe.M5, T0, 1, 1, 1, 1, 1)])


def test_bars_of_blind_time_are_flagged() -> None:
    bars = MinuteBars()
    bars.feed_up(T0)
    play(bars, [traded(n * 20, 100) for n in range(4)])
    bars.feed_down(at(70))
    closed = list(bars.on_time(at(121)))
    bars.feed_up(at(190))
    closed += play(bars, [traded(200 + n * 10, 100) for n in range(20)])
    closed += bars.on_time(at(391))
    flags = {(bar.open_ts - T0) // MINUTE: bar.gap for bar in emitted(closed)}
    assert flags == {0: False, 1: True, 3: True, 4: False, 5: False}
    assert [bar.gap for bar in emitted(closed, Timeframe.M5)] == [True]


def test_one_instrument_can_be_blind_alone() -> None:
    bars = MinuteBars()
    bars.feed_up(T0)
    play(bars, [traded(1, 100), traded(1, 50, instrument="GC")])
    bars.feed_down(at(10), "GC")
    bars.feed_up(at(20), "GC")
    closed = play(bars, [traded(61, 100), traded(61, 50, instrument="GC")])
    assert [(bar.instrument, bar.gap) for bar in emitted(closed)] == [("ES", False), ("GC", True)]


def test_minutes_after_a_gap_are_backfilled_in_order_and_unannounced() -> None:
    bars = MinuteBars()
    bars.feed_up(T0)
    play(bars, [traded(n * 20, 100) for n in range(4)])
    bars.feed_down(at(70))
    bars.on_time(at(121))
    bars.feed_up(at(320))
    bars.on_time(at(320))
    emitted_before = bars.bars("ES", Timeframe.M1)
    assert bars.load_history("ES", [minute(n, 200 + n) for n in range(5)]) == 3
    assert opens(bars) == [0, 1, 2, 3, 4]
    assert bars.bars("ES", Timeframe.M1)[:2] == emitted_before
    assert [bar.backfilled for bar in bars.bars("ES", Timeframe.M1)] == [False, False, True, True, True]
    closed = play(bars, [traded(330, 100), traded(361, 101)])
    assert [((b.open_ts - T0) // MINUTE, b.gap, b.backfilled) for b in emitted(closed)] == [(5, True, False)]


def test_history_marks_its_bars_even_if_the_adapter_forgot() -> None:
    bars = MinuteBars()
    bars.load_history("ES", [replace(minute(0), backfilled=False)])
    assert bars.bars("ES", Timeframe.M1)[0].backfilled
