"""Nothing that was known is ever told otherwise later, and nothing is known before it can be."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.market import Bar, Timeframe
from engine.signals.frame import FrameSignals, Reading
from engine.signals.order_blocks import BlockState, OrderBlock, OrderBlocks
from engine.signals.structure import Break, Structure
from engine.signals.swings import Swing, SwingDetector
from tests.signals.shapes import wander


@dataclass
class History:
    """Everything that a series ever said, as it stands at the end, and when each thing was said."""

    swings: list[Swing] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    blocks: list[OrderBlock] = field(default_factory=list)
    states: list[tuple[int, int, BlockState]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)

    def until(self, ts: int) -> tuple[object, ...]:
        """What was known at `ts`, told from the end."""
        return (
            [
                (one.kind, one.price, one.index, one.stamp, one.known_at)
                + ((one.superseded_by,) if one.superseded_at is not None and one.superseded_at <= ts else ())
                for one in self.swings
                if one.known_at <= ts
            ],
            [(one.label, one.direction, one.level, one.index) for one in self.breaks if one.known_at <= ts],
            [
                (one.direction, one.low, one.high, one.candle_index, one.created_index, one.volume_ratio)
                for one in self.blocks
                if one.known_at <= ts
            ],
            [entry for entry in self.states if entry[0] <= ts],
        )


def tell(bars: list[Bar], size: int = 3) -> History:
    told = History()
    detector, structure, blocks = SwingDetector(size), Structure(), OrderBlocks(expire_after=60)
    frame = FrameSignals("ES", Timeframe.M1, size)
    states: dict[int, BlockState] = {}
    for bar in bars:
        swing = detector.add(bar)
        broken = structure.add(bar, swing)
        if swing is not None:
            assert swing.known_at == bar.close_ts
            told.swings.append(swing)
        if broken is not None:
            assert broken.known_at == bar.close_ts
            told.breaks.append(broken)
        for block in blocks.add(bar, () if broken is None else (broken,), 5.0):
            assert block.known_at == bar.close_ts > block.stamp
            told.blocks.append(block)
        for number, block in enumerate(told.blocks):
            if states.get(number) is not block.state:
                assert block.state_at == bar.close_ts
                states[number] = block.state
                told.states.append((bar.close_ts, number, block.state))
        frame.add(bar)
        told.readings.append(frame.reading)
    return told


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(20, 160))
def test_two_futures_leave_one_past(seed: int, other_seed: int, cut: int) -> None:
    past = wander(seed, cut)
    close = past[-1].close
    one = tell(past + wander(seed + 1, 200 - cut, start=close, first=cut))
    other = tell(past + wander(other_seed, 200 - cut, start=close, first=cut))
    now = past[-1].close_ts
    alone = tell(past)
    assert one.until(now) == other.until(now) == alone.until(now)
    assert one.readings[:cut] == other.readings[:cut] == alone.readings


def test_the_properties_above_see_plenty() -> None:
    told = tell(wander(5, 1500))
    assert len(told.swings) > 100
    assert len(told.breaks) > 50
    assert {state for _, _, state in told.states} == set(BlockState)
    assert any(swing.superseded_by is not None for swing in told.swings)


@pytest.mark.parametrize("seed", range(5))
def test_a_block_only_ever_moves_on(seed: int) -> None:
    order = {BlockState.ACTIVE: 0, BlockState.MITIGATED: 1, BlockState.BROKEN: 2, BlockState.DEAD: 3}
    told = tell(wander(seed, 800))
    last: dict[int, int] = {}
    for _, number, state in told.states:
        rank = order.get(state, 4)
        assert rank > last.get(number, -1)
        last[number] = rank


def test_repeated_and_older_bars_change_nothing() -> None:
    bars = wander(9, 300)
    once, twice = FrameSignals("ES", Timeframe.M1), FrameSignals("ES", Timeframe.M1)
    for bar in bars:
        once.add(bar)
        twice.add(bar)
        twice.add(bar)
        twice.add(bars[0])
    assert twice.reading == once.reading
    assert twice.index == once.index == 299
    assert twice.levels.found == once.levels.found
