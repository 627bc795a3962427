from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market.bars import LATE, MISDATED, REPEATED, BarsClosed, MinuteBars
from engine.market.candles import fold, resample
from engine.model.market import MINUTE, NANOS, USUAL, Timeframe
from tests.market.feed import T0, at, emitted, play, quoted, traded


def fresh(grace: float = 0) -> MinuteBars:
    """Bars of a feed that is known to be in order, or of one that may shuffle."""
    bars = MinuteBars(grace_ns=round(grace * NANOS), counts=Counter())
    bars.feed_up(T0)
    return bars


def test_t5_a_minute_closes_by_its_grace_alone_for_everybody() -> None:
    bars = fresh(grace=1)
    assert play(bars, [traded(1, 100), traded(2, 50, instrument="GC"), traded(60, 101)]) == []
    assert play(bars, [quoted(60.2, "GC"), quoted(60.3), traded(60.9, 102)]) == []
    assert bars.next_deadline() == at(61)
    assert bars.on_time(at(60.999)) == ()
    (closed,) = bars.on_time(at(61))
    assert closed.ts == T0 + MINUTE
    assert [(bar.instrument, bar.close) for bar in closed.bars] == [("ES", 100), ("GC", 50)]
    assert bars.next_deadline() == at(121)


def test_t5_a_feed_in_order_closes_at_the_first_event_beyond_the_minute() -> None:
    closed = play(fresh(), [traded(1, 100), traded(2, 50, instrument="GC"), traded(60, 101)])
    assert [(bar.instrument, bar.close) for bar in emitted(closed)] == [("ES", 100), ("GC", 50)]


def test_t5_a_print_shuffled_inside_the_grace_still_counts() -> None:
    bars = fresh(grace=1)
    play(bars, [traded(1, 100), traded(60, 101), traded(59.9, 103, 4, received=60.4)])
    (bar,) = emitted(bars.on_time(at(61)))
    assert (bar.high, bar.close, bar.volume) == (103, 103, 5)


@pytest.mark.parametrize("grace", [0, 1])
def test_t5_a_repeated_print_is_dropped_and_counted(grace: float) -> None:
    counts: Counter[str] = Counter()
    bars = MinuteBars(grace_ns=round(grace * NANOS), counts=counts)
    bars.feed_up(T0)
    once = [traded(n, 100 + n, 2, seq=n) for n in range(1, 5)]
    others = [traded(2, 7, 2, "GC", seq=2), traded(5, 99), traded(5, 99)]  # another instrument; no number
    play(bars, [*once, *others, *once[::-1]])
    es, gc = emitted(bars.on_time(at(61)))
    assert (es.volume, es.n_src, es.open, es.close) == (10, 6, 101, 99)
    assert (gc.volume, counts[REPEATED]) == (2, 4)


def test_a_print_beyond_the_boundary_waits_in_the_next_bar() -> None:
    bars = fresh(grace=1)
    first = play(bars, [traded(1, 100), traded(60.1, 999), traded(61, 90)])
    second = bars.on_time(at(121))
    assert [(b.high, b.close) for b in emitted(first)] == [(100, 100)]
    assert [(b.open, b.high, b.low, b.close) for b in emitted(second)] == [(999, 999, 90, 90)]


def test_quotes_alone_make_no_bar_and_set_no_timer() -> None:
    bars = fresh()
    assert play(bars, [quoted(n) for n in range(0, 600, 7)]) == []
    assert bars.next_deadline() is None
    assert bars.forming("ES", Timeframe.M1) is None


def test_a_quiet_minute_gives_no_bar_but_longer_frames_still_end() -> None:
    bars = fresh()
    closed = play(bars, [traded(1, 100), traded(61, 105), quoted(181), quoted(299), quoted(300), quoted(301)])
    assert [(one.ts - T0) // MINUTE for one in closed] == [1, 2, 5]
    (five,) = closed[-1].bars
    assert (five.timeframe, five.open, five.close, five.n_src) == (Timeframe.M5, 100, 105, 2)


def test_a_late_print_is_counted_and_changes_nothing() -> None:
    bars = fresh()
    closed = play(bars, [traded(1, 100), traded(60, 101)])
    before = bars.bars("ES", Timeframe.M1)
    assert play(bars, [traded(59, 500, 9, received=60.5)]) == []
    assert bars._counts == {LATE: 1}
    assert bars.bars("ES", Timeframe.M1) == before == tuple(emitted(closed))
    (second,) = emitted(play(bars, [traded(120, 102)]))
    assert (second.high, second.volume) == (101, 1)


def test_a_clock_far_ahead_closes_nothing_and_makes_no_bar() -> None:
    bars = fresh()
    play(bars, [traded(1, 100)])
    assert play(bars, [traded(86_400, 1, received=2), quoted(90_000, received=3)]) == []
    assert bars._counts == {MISDATED: 1}
    (bar,) = emitted(play(bars, [traded(50, 101), traded(61, 102)]))
    assert (bar.close, bar.n_src) == (101, 2)


def test_everything_that_ends_at_one_instant_comes_at_once_and_in_order() -> None:
    bars = fresh()
    names = ["NQ", "ES", "GC"]
    stream = [traded(n, 100 + n % 7, instrument=names[n % 3], seq=n) for n in range(0, 3660, 2)]
    last = play(bars, stream)[-1]
    assert last.ts == T0 + 60 * MINUTE
    assert [(bar.timeframe, bar.instrument) for bar in last.bars] == [
        (timeframe, name) for timeframe in USUAL for name in sorted(names)
    ]
    assert {bar.n_src for bar in last.bars if bar.timeframe is Timeframe.H1} == {60}


def test_the_live_bars_are_the_fold_of_the_tape() -> None:
    chance = random.Random(7)
    stream = [traded(n * 1.7, 100 + chance.randrange(40), chance.randrange(5), seq=n) for n in range(6000)]
    bars = MinuteBars(keep=1000)
    bars.feed_up(T0)
    closed = play(bars, stream)
    minutes = list(fold(stream, Timeframe.M1))[:-1]
    assert emitted(closed) == minutes
    for timeframe in (Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1):
        whole = [b for b in resample(minutes, timeframe) if b.close_ts <= closed[-1].ts]
        assert list(bars.bars("ES", timeframe)) == emitted(closed, timeframe) == whole


arrivals = st.lists(
    st.tuples(
        st.integers(0, 299_000),
        st.integers(90, 110),
        st.integers(0, 5),
        st.sampled_from(["ES", "GC"]),
        st.integers(0, 900),
    ),
    min_size=1,
    max_size=60,
)


@given(arrivals)
def test_arrival_order_inside_grace_changes_nothing(rows: list[tuple[int, int, int, str, int]]) -> None:
    def close(delayed: bool) -> list[BarsClosed]:
        bars = fresh(grace=1)
        stream = [
            traded(ms / 1000, price, size, name, seq, received=(ms + delay * delayed) / 1000)
            for seq, (ms, price, size, name, delay) in enumerate(rows)
        ]
        return [*play(bars, sorted(stream, key=lambda event: event.ts_recv)), *bars.on_time(at(302))]

    assert close(delayed=True) == close(delayed=False)


@given(st.permutations(range(12)))
def test_open_and_close_go_by_time_and_sequence_not_by_arrival(order: list[int]) -> None:
    stream = [traded(5 + n // 4, 100 + n * (-1) ** n, size=n, seq=n) for n in range(12)]
    bars = fresh()
    play(bars, [stream[n] for n in order])
    (bar,) = emitted(bars.on_time(at(61)))
    (expected,) = fold(stream, Timeframe.M1)
    assert bar == expected
    assert (bar.open, bar.close) == (stream[0].price, stream[11].price)


def test_the_forming_bar_follows_the_market_and_vanishes_when_it_closes() -> None:
    bars = fresh()
    play(bars, [traded(1, 100), traded(61, 104), traded(70, 103)])
    one, five = bars.forming("ES", Timeframe.M1), bars.forming("ES", Timeframe.M5)
    assert one is not None
    assert five is not None
    assert (one.open_ts, one.open, one.close) == (T0 + MINUTE, 104, 103)
    assert (five.open_ts, five.open, five.high, five.close, five.n_src) == (T0, 100, 104, 103, 2)
    bars.on_time(at(121))
    assert bars.forming("ES", Timeframe.M1) is None
    still = bars.forming("ES", Timeframe.M5)
    assert still is not None
    assert still.close == 103
    bars.on_time(at(301))
    assert bars.forming("ES", Timeframe.M5) is None
    assert (bars.forming("XX", Timeframe.M5), bars.bars("XX", Timeframe.M5)) == (None, ())


def test_snapshots_are_shared_until_a_bar_closes_and_stay_as_they_were() -> None:
    bars = fresh()
    play(bars, [traded(1, 100), traded(60, 101)])
    before = bars.bars("ES", Timeframe.M1)
    assert bars.bars("ES", Timeframe.M1) is before
    play(bars, [traded(120, 102)])
    assert len(before) == 1
    assert len(bars.bars("ES", Timeframe.M1)) == 2


def test_only_so_many_bars_are_kept() -> None:
    bars = MinuteBars(grace_ns=0, keep=60)
    bars.feed_up(T0)
    play(bars, [traded(n * 60, 100 + n) for n in range(400)])
    kept = bars.bars("ES", Timeframe.M1)
    assert [bar.open for bar in kept] == [100 + n for n in range(339, 399)]
