from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market.calendars.known import CME
from engine.model.market import MINUTE, Bar, Timeframe
from engine.signals.legs import Legs
from engine.signals.liquidity import LiquidityPool, LiquidityPools, PoolState
from engine.signals.previous import Previous
from engine.signals.swings import Swing, SwingDetector
from tests.signals.shapes import bar, spans, wander

CALM = 10.0
"""An ATR at which swings may lie two ticks apart."""


def quiet(n: int) -> Bar:
    return bar(n, 90, 91, 89, 90)


def turn(price: int, known: int, kind: int = 1, **more: int) -> Swing:
    return Swing(kind, price, known - 5, quiet(known - 5).open_ts, known, quiet(known).close_ts, **more)


def with_pool(*later: Bar, sweep_bars: int = 3, atr: float = CALM) -> list[LiquidityPool]:
    """Swing highs at 99 and 100, known at bars 10 and 20; what the later bars do to their pool."""
    pools = LiquidityPools(sweep_bars)
    told: list[LiquidityPool] = []
    for n in range(21):
        told += pools.add(quiet(n), {10: turn(99, 10), 20: turn(100, 20)}.get(n), atr)
    for one in later:
        told += pools.add(one)
    return told


def test_a_pool_is_known_when_its_second_swing_is_confirmed() -> None:
    (pool,) = with_pool()
    assert (pool.side, pool.low, pool.high, pool.level, pool.touches) == (1, 99, 100, 100, 2)
    assert (pool.stamp, pool.known_at) == (quiet(15).open_ts, quiet(20).close_ts)


@pytest.mark.parametrize(
    ("second", "atr", "made"), [(101, 10.0, True), (102, 10.0, False), (104, 50.0, True), (105, 50.0, False)]
)
def test_swings_within_two_ticks_or_a_tenth_of_the_atr_are_one_pool(
    second: int, atr: float, made: bool
) -> None:
    pools = LiquidityPools()
    pools.add(quiet(0), turn(99, 0), atr)
    assert bool(pools.add(quiet(1), turn(second, 1), atr)) is made


ENDS = [
    ([bar(21, 95, 100, 94, 95)], []),
    ([bar(21, 95, 101, 94, 100)], [(PoolState.SWEPT, 21)]),
    ([bar(21, 95, 103, 94, 101)], [(PoolState.BROKEN, 21)]),
    (
        [bar(21, 95, 103, 94, 101), bar(22, 101, 104, 99, 99)],
        [(PoolState.BROKEN, 21), (PoolState.SWEPT, 22)],
    ),
    ([bar(21, 95, 103, 94, 101), *[bar(n, 102, 104, 101, 103) for n in (22, 23)], bar(24, 103, 103, 95, 96)],
     [(PoolState.BROKEN, 21)]),
]  # fmt: skip


@pytest.mark.parametrize(("later", "states"), ENDS)
def test_a_pool_ends_swept_or_broken(later: list[Bar], states: list[tuple[PoolState, int]]) -> None:
    _, *ends = with_pool(*later)
    assert [(pool.state, pool.state_at) for pool in ends] == [
        (state, quiet(n).close_ts) for state, n in states
    ]
    assert all(pool.valid_to == quiet(21).close_ts for pool in ends)


def test_a_break_is_no_sweep_where_only_its_own_bar_counts() -> None:
    _, *ends = with_pool(bar(21, 95, 103, 94, 101), bar(22, 101, 104, 99, 99), sweep_bars=1)
    assert [pool.state for pool in ends] == [PoolState.BROKEN]
    with pytest.raises(ValueError, match="goes beyond"):
        LiquidityPools(sweep_bars=0)


def test_a_third_swing_is_another_touch_and_a_turn_that_goes_on_is_none() -> None:
    pools = LiquidityPools()
    pools.add(quiet(10), turn(99, 10), CALM)
    assert pools.add(quiet(14), turn(100, 14, supersedes=5), CALM) == []
    assert pools.add(quiet(15), turn(100, 15, superseded_by=9), CALM) == []
    (made,) = pools.add(quiet(20), turn(99, 20), CALM)
    (grown,) = pools.add(quiet(30), turn(100, 30), CALM)
    assert (made.touches, grown.touches, grown.number) == (2, 3, made.number)
    assert (grown.known_at, grown.low, grown.high) == (made.known_at, 99, 100)


def test_a_swing_that_price_left_behind_makes_no_pool() -> None:
    pools = LiquidityPools()
    pools.add(quiet(0), turn(99, 0), CALM)
    pools.add(bar(1, 90, 102, 89, 90))
    assert pools.add(quiet(2), turn(99, 2), CALM) == []


def test_a_pool_without_news_expires() -> None:
    pools = LiquidityPools(expire_after=5)
    pools.add(quiet(0), turn(99, 0), CALM)
    pools.add(quiet(1), turn(99, 1), CALM)
    assert [pools.add(quiet(n)) for n in range(2, 7)] == [[]] * 5
    (over,) = pools.add(quiet(7))
    assert (over.state, over.valid_to, pools.live) == (PoolState.EXPIRED, quiet(7).close_ts, [])


def plain_reading(bars: Sequence[Bar], size: int, tolerance: int, m: int) -> list[tuple[int, str, int, int]]:
    """Swept and broken pools as (bar, what, side, level), by looking at everything at every bar."""
    detector = SwingDetector(size)
    groups: list[dict[str, int]] = []
    found: list[tuple[int, str, int, int]] = []
    broken: list[tuple[int, int, int]] = []
    for n, one in enumerate(bars):
        for born, side, level in list(broken):
            if n - born >= m:
                broken.remove((born, side, level))
            elif side * (one.close - level) <= 0:
                broken.remove((born, side, level))
                found.append((n, "swept", side, level))
        for group in list(groups):
            side, level = group["side"], group["level"]
            beyond = side * ((one.high if side > 0 else one.low) - level)
            if beyond > (0 if group["touches"] > 1 else tolerance):
                groups.remove(group)
                if group["touches"] > 1:
                    inside = side * (one.close - level) <= 0
                    found.append((n, "swept" if inside else "broken", side, level))
                    if not inside:
                        broken.append((n, side, level))
        swing = detector.add(one)
        if swing is None or swing.superseded_by is not None:
            continue
        side, price = swing.kind, swing.price

        def width(group: dict[str, int], price: int = price) -> int:
            return max(abs(price - group["level"]), abs(price - group["inner"]))

        near = [g for g in groups if g["side"] == side and width(g) <= tolerance]
        if not near:
            groups.append({"side": side, "level": price, "inner": price, "touches": 1, "newest": swing.index})
            continue
        group = min(near, key=width)
        groups.remove(group)
        groups.append(group)
        group["touches"] += swing.supersedes != group["newest"]
        group["newest"] = swing.index
        if group["touches"] == 1:
            group["level"] = group["inner"] = price
        else:
            group["level"] = side * max(side * group["level"], side * price)
            group["inner"] = side * min(side * group["inner"], side * price)
    return found


@given(
    st.lists(st.tuples(st.integers(0, 14), st.integers(1, 6), st.integers(0, 6)), max_size=90),
    st.integers(1, 3),
    st.integers(1, 4),
)
def test_pools_end_as_the_plain_reading_says(rows: list[tuple[int, int, int]], size: int, m: int) -> None:
    bars = [bar(n, low, low + span, low, low + min(at, span)) for n, (low, span, at) in enumerate(rows)]
    detector, pools = SwingDetector(size), LiquidityPools(m)
    ends = []
    for n, one in enumerate(bars):
        for pool in pools.add(one, detector.add(one), CALM):
            assert pool.low <= pool.level <= pool.high <= pool.low + 2
            if pool.state is not PoolState.RESTING:
                ends.append((n, pool.state.value, pool.side, pool.level))
    assert sorted(ends) == sorted(plain_reading(bars, size, 2, m))


def test_what_is_kept_of_pools_does_not_grow_with_history() -> None:
    detector, pools = SwingDetector(2), LiquidityPools(expire_after=100, keep=20)
    counts: Counter[PoolState] = Counter()
    for one in wander(8, 4000):
        counts.update(pool.state for pool in pools.add(one, detector.add(one), 20.0))
        assert len(pools._triggers) == len(pools._gathered) <= 21
        assert len(pools._broken) <= 20
    assert counts[PoolState.RESTING] > 100
    assert counts[PoolState.SWEPT] + counts[PoolState.BROKEN] > 50


def test_the_last_leg_says_what_is_dear_and_how_far_price_came_back() -> None:
    legs = Legs()
    assert legs.add(turn(100, 10, -1)) is None
    up = legs.add(turn(140, 20))
    assert up is not None
    assert (up.direction, up.low, up.high, up.middle, up.known_at) == (1, 100, 140, 120, quiet(20).close_ts)
    assert [up.retraced(price) for price in (140, 130, 100, 150)] == [0.0, 0.25, 1.0, -0.25]
    assert (up.place(130), up.place(95)) == (0.75, -0.125)
    longer = legs.add(turn(150, 25, supersedes=15))
    assert longer is not None
    assert (longer.start.price, longer.end.price) == (100, 150)
    assert legs.add(turn(145, 27, superseded_by=20)) is None
    down = legs.add(turn(110, 30, -1))
    assert down is not None
    assert (down.direction, down.retraced(120), legs.last) == (-1, 0.25, down)


def test_last_weeks_extremes_are_those_of_its_trade_dates() -> None:
    previous = Previous()
    rolled: list[tuple[date, int | None, int | None]] = []
    monday = date(2026, 8, 3)
    for n in range(26):
        day = monday + timedelta(days=n)
        if day.weekday() > 4:
            continue
        open_ts, close_ts = CME.session_bounds(day)
        for ts in range(open_ts, close_ts, 60 * MINUTE):
            previous.add(Bar("ES", Timeframe.H1, ts, 100, 110 + n, 90 - n, 100, 1))
            if previous.week.stamp == ts:
                rolled.append((CME.trade_date(ts), previous.week.low, previous.week.high))
    # The week in which the series begins is only partly seen, however early it begins.
    assert rolled == [(date(2026, 8, 17), 79, 121), (date(2026, 8, 24), 72, 128)]


def test_swings_of_both_kinds_make_pools_of_their_own() -> None:
    bars = spans([(10, 11), (10, 12), (10, 20), (4, 9), (10, 12), (10, 20), (4, 9), (10, 12), (9, 13)])
    detector, pools = SwingDetector(1), LiquidityPools()
    made = [pool for one in bars for pool in pools.add(one, detector.add(one), CALM)]
    assert [(pool.side, pool.level, pool.touches) for pool in made] == [(1, 20, 2), (-1, 4, 2)]
