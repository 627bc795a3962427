from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from engine.market.calendars.known import CME
from engine.market.candles import Candle, aggregate, fold, resample
from engine.market.intervals import interval_at
from engine.model.events import Print
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from tests.market.feed import T0, minute, traded

prints = st.lists(
    st.tuples(st.integers(0, 3 * 3600 - 1), st.integers(50, 150), st.integers(0, 9)), min_size=1, max_size=80
).map(
    lambda rows: [
        traded(seconds, price, size, seq=seq)
        for seq, (seconds, price, size) in enumerate(sorted(rows, key=lambda row: row[0]))
    ]
)


def test_a_bar_includes_its_start_and_excludes_its_end() -> None:
    bars = list(fold([traded(0, 100), traded(59.999, 101), traded(60, 102)], Timeframe.M1))
    assert [(bar.open_ts, bar.close, bar.n_src) for bar in bars] == [(T0, 101, 2), (T0 + MINUTE, 102, 1)]


def test_a_print_of_size_zero_sets_prices_and_adds_no_volume() -> None:
    (bar,) = fold([traded(0, 100, 3), traded(1, 120, 0), traded(2, 110, 2)], Timeframe.M1)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (100, 120, 100, 110, 5)


def test_a_quiet_minute_gives_no_bar() -> None:
    bars = list(fold([traded(0, 100), traded(150, 101)], Timeframe.M1))
    assert [bar.open_ts for bar in bars] == [T0, T0 + 2 * MINUTE]


def test_a_late_print_changes_nothing_and_is_told() -> None:
    late: list[Print] = []
    straggler = traded(59, 500, 50)
    bars = list(fold([traded(0, 100), traded(61, 101), straggler], Timeframe.M1, late.append))
    assert [(bar.high, bar.volume) for bar in bars] == [(100, 1), (101, 1)]
    assert late == [straggler]


def test_t5_a_print_that_comes_again_counts_once() -> None:
    stream = [traded(0, 100, 3, seq=7), traded(1, 101, 2, seq=8)]
    (bar,) = fold([*stream, *stream, traded(2, 99), traded(2, 99)], Timeframe.M1)
    assert (bar.volume, bar.n_src) == (7, 4)


def test_instruments_are_folded_side_by_side() -> None:
    stream = [traded(0, 10, instrument="ES"), traded(1, 20, instrument="GC"), traded(61, 11, instrument="ES")]
    bars = list(fold(stream, Timeframe.M1))
    assert [(bar.instrument, bar.open_ts - T0, bar.close) for bar in bars] == [
        ("ES", 0, 10),
        ("GC", 0, 20),
        ("ES", MINUTE, 11),
    ]


@given(prints, st.sampled_from(list(Timeframe)))
def test_volume_is_conserved_and_prices_are_ordered(stream: list[Print], timeframe: Timeframe) -> None:
    bars = list(fold(stream, timeframe))
    assert sum(bar.volume for bar in bars) == sum(p.size for p in stream)
    assert sum(bar.n_src for bar in bars) == len(stream)
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    starts = {interval_at(p.ts_venue, timeframe, CME) for p in stream}
    assert {(bar.open_ts, bar.close_ts) for bar in bars} == starts


@given(prints, st.sampled_from([Timeframe.M15, Timeframe.M30, Timeframe.H1]))
def test_longer_bars_do_not_depend_on_the_way(stream: list[Print], timeframe: Timeframe) -> None:
    minutes = list(fold(stream, Timeframe.M1))
    direct = list(resample(minutes, timeframe))
    assert list(resample(resample(minutes, Timeframe.M5), timeframe)) == direct
    from_prints = list(fold(stream, timeframe))
    assert [_prices(bar) for bar in direct] == [_prices(bar) for bar in from_prints]


def _prices(bar: Bar) -> tuple[int, ...]:
    return bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume


def test_a_longer_bar_counts_its_minutes_and_inherits_their_flaws() -> None:
    blind = Bar("ES", Timeframe.M1, T0 + MINUTE, 5, 9, 4, 8, 3, gap=True)
    bar = aggregate([minute(0, 7), blind], Timeframe.M5)
    assert bar == Bar("ES", Timeframe.M5, T0, 7, 9, 4, 8, 13, n_src=2, gap=True, backfilled=False)
    assert aggregate([minute(0), minute(3)], Timeframe.M5).backfilled
    assert bar.close_ts == T0 + 300 * NANOS


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=40))
def test_a_print_is_known_again_by_its_number_and_time_in_whatever_order_it_came(
    told: list[tuple[int, int]],
) -> None:
    """Feeds count anew, prints come late, and some have no number (0)."""
    first, *rest = [traded(seconds, 100, seq=seq) for seq, seconds in told]
    candle, newest = Candle(T0, T0 + MINUTE, first), {first.seq: first.ts_venue}
    for one in rest:
        for seen in (first, *rest):
            assert candle.repeats(seen) == (seen.seq != 0 and newest.get(seen.seq) == seen.ts_venue)
        candle.add(one)
        newest[one.seq] = one.ts_venue


def test_a_number_that_is_absurd_is_none() -> None:
    candle = Candle(T0, T0 + MINUTE, traded(0, 100, seq=1 << 70))
    candle.add(traded(1, 101, seq=1 << 80))
    candle.add(traded(2, 102, seq=7))
    assert candle.count == 3
    assert [candle.repeats(traded(2, 102, seq=seq)) for seq in (7, 1 << 70, 1 << 80)] == [True, False, False]


def test_prints_of_an_open_minute_leave_no_objects_behind() -> None:
    """At 10,000 a second they would be tens of megabytes, scattered so that they never go back."""
    candle = Candle(T0, T0 + MINUTE, traded(0, 100, seq=1))
    before = sys.getallocatedblocks()
    for seq in range(2, 20_000):
        candle.add(traded(seq / 1_000, 100 + seq % 7, seq=1_000_000 + seq))
    assert sys.getallocatedblocks() - before < 2_000
    assert candle.repeats(traded(9.999, 100, seq=1_009_999))
