"""Nothing that was known is ever told otherwise later, and nothing is known before it can be."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market.bars import BarsClosed, MinuteBars
from engine.market.candles import resample
from engine.model.instrument import CME_FUTURES
from engine.model.market import Bar, Timeframe
from engine.signals.board import SignalBoard
from engine.signals.frame import FrameSignals, Reading
from engine.signals.gaps import FairValueGap, FairValueGaps, GapState
from engine.signals.legs import Legs, SwingLeg
from engine.signals.levels import Level, Levels
from engine.signals.liquidity import LiquidityPool, LiquidityPools, PoolState
from engine.signals.order_blocks import BlockState, OrderBlock, OrderBlocks
from engine.signals.patterns import Pattern
from engine.signals.structure import Break, Structure
from engine.signals.swings import Swing, SwingDetector
from tests.signals.shapes import wander
from tests.support.recorded_series import SERIES
from tests.support.recordings import needs_recordings
from tests.torture.prefixes import prove

Said = Swing | Break | OrderBlock | FairValueGap | LiquidityPool | SwingLeg | Level | Reading | Pattern


def tell(bars: Sequence[Bar], size: int = 3) -> list[list[Said]]:
    """What each close made known. Whatever was said stands at the end as it was said."""
    told: list[list[Said]] = []
    written: list[bytes] = []
    detector, structure, levels = SwingDetector(size), Structure(), Levels()
    blocks, gaps = OrderBlocks(expire_after=60), FairValueGaps(expire_after=60)
    pools, legs = LiquidityPools(expire_after=60), Legs()
    frame = FrameSignals("ES", bars[0].timeframe, size)
    for bar in bars:
        swing = detector.add(bar)
        broken = structure.add(bar, swing)
        level = levels.add(swing, 5.0) if swing is not None else None
        ended = detector.ended if swing is not None else None
        leg = legs.add(swing) if swing is not None else None
        frame.add(bar)
        said: list[Said] = [
            *(one for one in (swing, ended, broken, leg, level) if one is not None),
            *(one for one in (frame.pattern, frame.reading) if one is not None),
            *blocks.add(bar, () if broken is None else (broken,), 5.0),
            *gaps.add(bar, 5.0),
            *pools.add(bar, swing, 40.0),
            *frame.patterns_after(bar.close_ts - 1),
        ]
        for one in (swing, broken, leg):
            assert one is None or one.known_at == bar.close_ts
        for zone in said:
            if isinstance(zone, OrderBlock | FairValueGap):
                assert zone.stamp < zone.known_at <= zone.works_since <= zone.state_at <= bar.close_ts
            elif isinstance(zone, LiquidityPool):
                assert zone.stamp < zone.known_at <= zone.state_at <= bar.close_ts
            elif isinstance(zone, Level):
                assert zone.stamp < zone.known_at <= zone.newest.known_at == bar.close_ts
            elif isinstance(zone, Pattern):
                assert zone.stamp < zone.known_at <= bar.close_ts
                assert zone.low <= zone.price <= zone.high
        told.append(said)
        written.append(msgspec.json.encode(said))
    assert [msgspec.json.encode(said) for said in told] == written
    return told


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(20, 160))
def test_t4_two_futures_leave_one_past(seed: int, other_seed: int, cut: int) -> None:
    past = wander(seed, cut)
    close = past[-1].close
    one = tell(past + wander(seed + 1, 200 - cut, start=close, first=cut))
    other = tell(past + wander(other_seed, 200 - cut, start=close, first=cut))
    assert one[:cut] == other[:cut] == tell(past)


@pytest.mark.recordings
@needs_recordings
@pytest.mark.parametrize(
    ("series", "timeframe", "most"),
    [
        ("ES", Timeframe.M1, 500),
        ("ES", Timeframe.M15, 400),
        ("GC", Timeframe.M5, 400),
        ("BTC", Timeframe.H1, 500),
        ("BTC", Timeframe.D1, 90),
    ],
)
def test_t4_no_prefix_of_what_was_recorded_is_told_otherwise_by_the_rest(
    series: str, timeframe: Timeframe, most: int
) -> None:
    """`make torture ARGS=prefixes` does it with all of it."""
    bars = list(resample(SERIES[series](), timeframe))[:most]
    whole = tell(bars)
    cuts = random.Random(4).sample(range(20, len(bars)), 3)
    assert all(tell(bars[:cut]) == whole[:cut] for cut in cuts)
    proof = prove(series, bars, 2, seed=4)
    assert (proof.changed, proof.bars) == (0, len(bars))
    assert proof.events > len(bars) // 2


def test_t4_a_zone_on_the_chart_begins_where_it_is_known_and_keeps_its_place() -> None:
    """No zone of a later picture has another place than that of the same stamp in an earlier one."""
    late = shown = 0
    for seed in range(3):
        board = SignalBoard(CME_FUTURES, MinuteBars())
        before: dict[tuple[str, int], tuple[int, int]] = {}
        for bar in wander(seed, 700):
            board.on_closed(BarsClosed(bar.close_ts, (bar,)))
            for zone in board.zones("ES", Timeframe.M1):
                assert zone.from_ts < zone.known_at <= bar.close_ts
                new = (zone.kind, zone.from_ts) not in before
                assert before.setdefault((zone.kind, zone.from_ts), (zone.low, zone.high)) == (
                    zone.low,
                    zone.high,
                )
                shown += new
                late += new and zone.known_at == bar.close_ts
    assert shown > 100
    assert late > shown // 2  # the rest had been known and less relevant


def test_the_properties_above_see_plenty() -> None:
    told = [one for said in tell(wander(5, 1500)) for one in said]
    assert sum(isinstance(one, Swing) for one in told) > 100
    assert sum(isinstance(one, Break) for one in told) > 50
    assert {one.state for one in told if isinstance(one, OrderBlock)} == set(BlockState)
    assert {one.state for one in told if isinstance(one, FairValueGap)} == set(GapState)
    assert {one.state for one in told if isinstance(one, LiquidityPool)} == set(PoolState)
    assert len({one.kind for one in told if isinstance(one, Pattern)}) > 17
    assert any(isinstance(one, Swing) and one.supersedes is not None for one in told)
    grown = [one for one in told if isinstance(one, Level)]
    assert len({one.number for one in grown}) < len({(one.number, one.low, one.high) for one in grown})


@pytest.mark.parametrize("seed", range(5))
def test_a_block_only_ever_moves_on(seed: int) -> None:
    order = [BlockState.ACTIVE, BlockState.MITIGATED, BlockState.BROKEN, BlockState.DEAD, BlockState.EXPIRED]
    lives: dict[int, list[OrderBlock]] = {}
    for said in tell(wander(seed, 800)):
        for one in said:
            if isinstance(one, OrderBlock):
                lives.setdefault(one.number, []).append(one)
    for life in lives.values():
        assert life[0].state is BlockState.ACTIVE
        for before, after in pairwise(life):
            assert order.index(before.state) <= order.index(after.state)
            assert (before.low, before.high, before.known_at) == (after.low, after.high, after.known_at)


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
