from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.market import Bar
from engine.signals.order_blocks import BlockState, OrderBlock, OrderBlocks
from engine.signals.structure import Break
from engine.signals.swings import Swing
from tests.signals.shapes import bar, wander

RALLY = [
    bar(0, 100, 110, 100, 108),  # the swing high
    bar(1, 108, 109, 101, 102, 10),
    bar(2, 102, 104, 95, 97, 40),
    bar(3, 97, 103, 95, 102, 60),  # lowest low again: the last of equals is the zone, [95, 103]
    bar(4, 102, 108, 101, 107, 20),
    bar(5, 107, 116, 105, 114, 40),  # closes beyond 110
]


def broke(direction: int, price: int, swing_index: int, at: Bar, index: int) -> Break:
    return Break(
        "BOS", direction, Swing(direction, price, swing_index, 0, 0, 0), index, at.open_ts, at.close_ts
    )


def mirror(one: Bar) -> Bar:
    return bar(0, 200 - one.open, 200 - one.low, 200 - one.high, 200 - one.close, one.volume)


def born(
    later: Sequence[Bar] = (), *, bearish: bool = False, expire_after: int | None = None
) -> tuple[OrderBlocks, OrderBlock]:
    blocks = OrderBlocks(expire_after)
    turn = mirror if bearish else (lambda one: one)
    for one in RALLY[:-1]:
        blocks.add(turn(one), (), 8.0)
    last = turn(RALLY[-1])
    direction, price = (-1, 90) if bearish else (1, 110)
    (block,) = blocks.add(last, [broke(direction, price, 0, last, 5)], 8.0)
    for one in later:
        block = next(iter(blocks.add(turn(one))), block)
    return blocks, block


def test_the_zone_is_the_last_of_the_extreme_candles_between_swing_and_break() -> None:
    _, block = born()
    assert (block.direction, block.low, block.high) == (1, 95, 103)
    assert (block.candle_index, block.created_index) == (3, 5)
    assert (block.stamp, block.known_at) == (RALLY[3].open_ts, RALLY[5].close_ts)
    assert block.volume_ratio == 60 / 30
    assert block.displacement == 11 / 8
    assert block.fair_value_gap  # bar 3 ends at 103, bar 5 begins at 105
    assert block.state is BlockState.ACTIVE


def test_bearish_blocks_mirror_bullish_ones() -> None:
    _, up = born()
    _, down = born(bearish=True)
    assert (down.direction, down.low, down.high) == (-1, 200 - up.high, 200 - up.low)
    assert (down.candle_index, down.volume_ratio, down.fair_value_gap) == (3, up.volume_ratio, True)


STATES = [
    ([bar(6, 114, 115, 104, 110)], BlockState.ACTIVE, 0, 1),
    ([bar(6, 114, 115, 103, 104)], BlockState.MITIGATED, 1, 1),
    ([bar(6, 114, 115, 100, 102)], BlockState.MITIGATED, 0, 1),
    ([bar(6, 104, 105, 95, 104), bar(7, 104, 106, 99, 105)], BlockState.MITIGATED, 1, 1),
    (
        [bar(6, 104, 105, 95, 104), bar(7, 104, 109, 104, 108), bar(8, 108, 109, 103, 107)],
        BlockState.MITIGATED,
        2,
        1,
    ),
    ([bar(6, 104, 105, 94, 104)], BlockState.BROKEN, 0, -1),
    ([bar(6, 104, 105, 94, 94), bar(7, 94, 96, 90, 93)], BlockState.BROKEN, 1, -1),
    ([bar(6, 104, 105, 94, 94), bar(7, 94, 104, 90, 93)], BlockState.DEAD, 0, 0),
]


@pytest.mark.parametrize("bearish", [False, True])
@pytest.mark.parametrize(("later", "state", "touches", "polarity"), STATES)
def test_states_of_a_block(
    later: list[Bar], state: BlockState, touches: int, polarity: int, bearish: bool
) -> None:
    _, block = born(later, bearish=bearish)
    assert (block.state, block.touches) == (state, touches)
    assert block.polarity == (-polarity if bearish else polarity)


def test_a_new_block_is_not_judged_by_the_bar_that_made_it() -> None:
    blocks = OrderBlocks()
    for one in RALLY[:-1]:
        blocks.add(one)
    wild = bar(5, 107, 116, 90, 114)
    (block,) = blocks.add(wild, [broke(1, 110, 0, wild, 5)])
    assert block.state is BlockState.ACTIVE


def test_a_block_expires_and_is_remembered() -> None:
    quiet = [bar(6 + n, 120, 121, 119, 120) for n in range(11)]
    blocks, block = born(quiet[:10], expire_after=10)
    assert block.state is BlockState.ACTIVE
    blocks, block = born(quiet, expire_after=10)
    assert block.state is BlockState.EXPIRED
    assert blocks.live == []
    assert list(blocks.finished) == [block]
    assert blocks.counts[BlockState.EXPIRED] == 1


def test_statistics_count_every_block_and_memory_is_bounded() -> None:
    blocks = OrderBlocks(expire_after=20, keep=8)
    bars = wander(3, 600)
    for n, one in enumerate(bars):
        breaks = [broke(1 if n % 2 else -1, one.close, n - 3, one, n)] if n > 5 and n % 3 == 0 else []
        blocks.add(one, breaks)
    assert blocks.created == blocks.counts[BlockState.ACTIVE] == 198
    over = blocks.counts[BlockState.DEAD] + blocks.counts[BlockState.EXPIRED]
    assert over + len(blocks.live) == blocks.created
    assert len(blocks.finished) == 8


candles = st.lists(st.tuples(st.integers(0, 30), *[st.integers(0, 8)] * 3), min_size=8, max_size=90)


@given(candles, st.integers(1, 30))
def test_blocks_live_as_one_that_looks_at_every_block_at_every_bar_says(
    rows: list[tuple[int, int, int, int]], age: int
) -> None:
    """The plain reading of the definition, with a break wherever a bar closes beyond the five before it."""
    blocks = OrderBlocks(expire_after=age)
    lives: list[tuple[int, int, int, int, BlockState]] = []
    bars: list[Bar] = []
    for n, (low, span, opened, closed) in enumerate(rows):
        one = bar(n, low + min(opened, span), low + span, low, low + min(closed, span))
        before, expected = bars[-5:], []
        for number, (born, up, bottom, top, state) in enumerate(lives, 1):
            new = state
            if state in (BlockState.DEAD, BlockState.EXPIRED):
                continue
            beyond = one.low < bottom if up else one.high > top
            if n - born > age:
                new = BlockState.EXPIRED
            elif state is BlockState.BROKEN:
                new = BlockState.DEAD if (one.high > top if up else one.low < bottom) else state
            elif beyond:
                new = BlockState.BROKEN
            elif one.low <= top if up else one.high >= bottom:
                new = BlockState.MITIGATED
            if new is not state:
                lives[number - 1] = born, up, bottom, top, new
                expected.append((number, new))
        breaks = []
        if len(before) == 5:
            highest, lowest = max(b.high for b in before), min(b.low for b in before)
            if one.close > highest or one.close < lowest:
                up = one.close > highest
                breaks.append(broke(1 if up else -1, highest if up else lowest, n - 5, one, n))
                move = before[1:]
                zone = (
                    min(reversed(move), key=lambda b: b.low)
                    if up
                    else max(reversed(move), key=lambda b: b.high)
                )
                lives.append((n, up, zone.low, zone.high, BlockState.ACTIVE))
                expected.append((len(lives), BlockState.ACTIVE))
        changed = blocks.add(one, breaks)
        bars.append(one)
        assert sorted((b.number, b.state) for b in changed if b.state_at == one.close_ts) == sorted(expected)
        assert len(blocks._triggers) == len(blocks.live)
