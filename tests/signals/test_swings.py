from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.market import Bar
from engine.signals.swings import Swing, SwingDetector
from tests.signals.shapes import spans


def found(bars: list[Bar], size: int) -> list[Swing]:
    detector = SwingDetector(size)
    return [swing for bar in bars if (swing := detector.add(bar)) is not None]


def test_a_swing_is_known_at_the_close_of_the_last_bar_of_its_window() -> None:
    bars = spans([(10, 11), (10, 12), (10, 13), (11, 20), (11, 14), (9, 13), (10, 12)])
    (high,) = [swing for swing in found(bars, 2) if swing.kind > 0]
    assert (high.price, high.index, high.stamp) == (20, 3, bars[3].open_ts)
    assert (high.known_index, high.known_at) == (5, bars[5].close_ts)


def test_the_window_reaches_one_bar_less_to_the_left() -> None:
    # Bar 3 is the highest of bars 2 to 5; bar 1 is higher still but outside the window of 2 + 2.
    bars = spans([(10, 11), (10, 30), (10, 13), (11, 20), (11, 14), (11, 13)])
    assert [(swing.index, swing.price) for swing in found(bars, 2) if swing.kind > 0] == [(3, 20)]


def test_a_bar_that_is_both_counts_as_a_high() -> None:
    bars = spans([(10, 11), (10, 11), (10, 11), (1, 20), (10, 12), (10, 12)])
    assert [(swing.kind, swing.price) for swing in found(bars, 2)] == [(1, 20)]


def test_the_first_bars_give_none() -> None:
    bars = spans([(10, 11), (10, 12), (5, 30), (10, 12), (10, 11), (10, 12), (10, 12)])
    assert all(swing.index >= 3 for swing in found(bars, 2))


def test_of_a_run_of_highs_the_highest_stands_and_ties_go_to_the_first() -> None:
    tops = [11, 11, 11, 20, 12, 12, 25, 12, 12, 25, 12, 12]
    bars = spans((n - 5, top) for n, top in enumerate(tops))  # rising lows: no swing low between
    highs = [swing for swing in found(bars, 2) if swing.kind > 0]
    assert [(swing.price, swing.supersedes, swing.superseded_by) for swing in highs] == [
        (20, None, None),
        (25, 3, None),
        (25, None, 6),
    ]


def test_a_swing_that_is_superseded_ends_when_the_better_one_is_known() -> None:
    bars = spans((n - 5, top) for n, top in enumerate([11, 11, 11, 20, 12, 12, 25, 12, 12, 25, 12, 12]))
    detector = SwingDetector(2)
    ends = [(detector.ended, swing) for one in bars if (swing := detector.add(one)) is not None]
    (first, none), (ended, better), (nothing, plateau) = [
        (gone, swing) for gone, swing in ends if swing.kind > 0
    ]
    assert (first, nothing, none.valid_to, better.valid_to) == (None, None, 0, 0)
    assert ended == replace(none, superseded_by=better.index, valid_to=better.known_at)
    assert plateau.valid_to == plateau.known_at


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8)), max_size=60).map(
        lambda rows: spans([(low, low + span) for low, span in rows])
    ),
    st.integers(1, 4),
)
def test_swings_are_exactly_the_extremes_of_their_windows(bars: list[Bar], size: int) -> None:
    expected = []
    for i in range(2 * size - 1, len(bars) - size):
        window = bars[i - size + 1 : i + size + 1]
        if bars[i].high == max(bar.high for bar in window):
            expected.append((1, i, bars[i].high))
        elif bars[i].low == min(bar.low for bar in window):
            expected.append((-1, i, bars[i].low))
    swings = found(bars, size)
    assert [(swing.kind, swing.index, swing.price) for swing in swings] == expected
    assert all(swing.known_index == swing.index + size for swing in swings)
    superseded = {swing.supersedes for swing in swings}
    standing = [s.kind for s in swings if s.superseded_by is None and s.index not in superseded]
    assert all(one != other for one, other in pairwise(standing))


def test_a_swing_needs_bars_on_its_right() -> None:
    with pytest.raises(ValueError, match="at least one"):
        SwingDetector(0)
