from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.market import Bar
from engine.signals.gaps import FairValueGap, FairValueGaps, GapState, gap_between
from engine.signals.triggers import ABOVE, BELOW, Triggers
from tests.signals.shapes import bar, wander

JUMP = [bar(0, 95, 100, 94, 99), bar(1, 99, 112, 98, 111), bar(2, 111, 115, 108, 114)]
"""Leaves a gap from 100 to 108."""


def mirror(one: Bar) -> Bar:
    return bar(0, 200 - one.open, 200 - one.low, 200 - one.high, 200 - one.close, one.volume)


def told(bars: Sequence[Bar], expire_after: int = 500) -> list[FairValueGap]:
    gaps = FairValueGaps(expire_after)
    return [gap for one in bars for gap in gaps.add(one, 16.0)]


def test_a_gap_is_known_at_the_close_of_the_bar_after_the_one_that_left_it() -> None:
    (gap,) = told(JUMP)
    assert (gap.direction, gap.low, gap.high, gap.size_atr) == (1, 100, 108, 0.5)
    assert (gap.stamp, gap.known_at) == (JUMP[1].open_ts, JUMP[2].close_ts)
    (down,) = told([mirror(one) for one in JUMP])
    assert (down.direction, down.low, down.high) == (-1, 92, 100)


def test_bars_that_meet_and_bars_that_run_the_other_way_leave_none() -> None:
    assert not told([*JUMP[:2], bar(2, 111, 115, 100, 114)])
    assert not told([JUMP[0], bar(1, 112, 112, 98, 111), JUMP[2]])


LIVES = [
    ([bar(3, 114, 116, 109, 110)], []),
    ([bar(3, 114, 116, 108, 110)], [GapState.TOUCHED]),
    ([bar(3, 114, 116, 100, 101), bar(4, 101, 104, 100, 103)], [GapState.FILLED]),
    ([bar(3, 114, 116, 104, 105), bar(4, 105, 106, 99, 100)], [GapState.TOUCHED, GapState.FILLED]),
    ([bar(3, 114, 116, 98, 99), bar(4, 99, 109, 98, 108)], [GapState.INVERTED]),
    ([bar(3, 114, 116, 98, 99), bar(4, 99, 109, 98, 109)], [GapState.INVERTED, GapState.DEAD]),
    (
        [bar(3, 114, 116, 99, 100), bar(4, 100, 104, 99, 101), bar(5, 101, 102, 90, 91)],
        [GapState.FILLED, GapState.INVERTED],
    ),
]


@pytest.mark.parametrize("bearish", [False, True])
@pytest.mark.parametrize(("later", "states"), LIVES)
def test_states_of_a_gap(later: list[Bar], states: list[GapState], bearish: bool) -> None:
    bars = [*JUMP, *later]
    life = [gap for gap in told([mirror(one) for one in bars] if bearish else bars) if gap.number == 1]
    assert [gap.state for gap in life] == [GapState.OPEN, *states]
    side = -1 if bearish else 1
    polarity = {GapState.INVERTED: -side, GapState.DEAD: 0}.get(life[-1].state, side)
    assert life[-1].polarity == polarity
    assert bool(life[-1].valid_to) == (life[-1].state is GapState.DEAD)


def test_a_gap_expires() -> None:
    gaps = FairValueGaps(expire_after=4)
    for one in [*JUMP, *(bar(3 + n, 110, 115, 110, 110) for n in range(5))]:
        changed = gaps.add(one)
    assert [(gap.state, gap.valid_to) for gap in changed] == [(GapState.EXPIRED, one.close_ts)]
    assert gaps.live == []


candles = st.lists(
    st.tuples(st.integers(0, 30), *[st.integers(0, 8)] * 3).map(
        lambda r: bar(0, r[0] + min(r[2], r[1]), r[0] + r[1], r[0], r[0] + min(r[3], r[1]))
    ),
    max_size=120,
)


@given(candles, st.integers(1, 40))
def test_gaps_live_as_one_that_looks_at_every_gap_at_every_bar_says(rows: list[Bar], age: int) -> None:
    """The plain reading of the definition: no index, no memory but the states."""
    bars = [bar(n, one.open, one.high, one.low, one.close) for n, one in enumerate(rows)]
    gaps = FairValueGaps(expire_after=age)
    lives: list[dict[str, int]] = []
    for n, one in enumerate(bars):
        expected = []
        for number, life in enumerate(lives, 1):
            up, rank = life["up"], life["rank"]
            if rank > 3:
                continue
            near, far = (one.low, one.low) if up > 0 else (-one.high, -one.high)
            top, bottom = life["top"], life["bottom"]
            close = up * one.close
            if n - life["born"] > age:
                new = 5
            elif rank == 3:
                new = 4 if close > top else 3
            else:
                new = max(rank, 3 if close < bottom else 2 if far <= bottom else 1 if near <= top else 0)
            if new != rank:
                life["rank"] = new
                expected.append((number, list(GapState)[new]))
        up = gap_between(*bars[n - 2 : n + 1]) if n > 1 else 0
        if up:
            edges = (bars[n - 2].high, one.low) if up > 0 else (-bars[n - 2].low, -one.high)
            lives.append({"up": up, "rank": 0, "born": n, "bottom": edges[0], "top": edges[1]})
            expected.append((len(lives), GapState.OPEN))
        assert sorted((gap.number, gap.state) for gap in gaps.add(one)) == sorted(expected)


def test_what_waits_does_not_grow_with_history() -> None:
    gaps = FairValueGaps(expire_after=50)
    counts: Counter[GapState] = Counter()
    for one in wander(4, 3000):
        counts.update(gap.state for gap in gaps.add(one))
        assert len(gaps._triggers) == len(gaps.live) <= 50
    assert gaps.created == counts[GapState.OPEN] > 300
    over = counts[GapState.DEAD] + counts[GapState.EXPIRED]
    assert over + len(gaps.live) == gaps.created


def test_only_zones_that_a_bar_reaches_are_looked_at() -> None:
    triggers = Triggers()
    for number, (side, price) in enumerate([(BELOW, 90), (ABOVE, 110), (BELOW, 95), (ABOVE, 120)], 1):
        triggers.wait(side, price, number)
    assert triggers.reached(96, 109) == []
    assert triggers.reached(95, 110) == [2, 3]
    assert triggers.reached(95, 110) == []
    with pytest.raises(ValueError, match="does not wait"):
        triggers.forget(ABOVE, 110, 2)
    triggers.forget(BELOW, 90, 1)
    assert triggers.reached(0, 1000) == [4]
