"""What happened at the close of a bar, as one stream a series (docs/signals.md#patterns)."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.model.market import Bar, Timeframe
from engine.signals.gaps import FairValueGap, GapState
from engine.signals.levels import Level
from engine.signals.liquidity import LiquidityPool, PoolState
from engine.signals.order_blocks import BlockState, OrderBlock
from engine.signals.previous import Extremes
from engine.signals.structure import Break


class PatternKind(StrEnum):
    BREAK = "break"
    """A close beyond the latest confirmed swing: BOS or CHoCH."""
    BLOCK_CREATED = "block_created"
    BLOCK_MITIGATED = "block_mitigated"
    """Traded into for the first time."""
    BLOCK_HELD = "block_held"
    """Traded into, and closed back on the side that it defends."""
    BLOCK_BROKEN = "block_broken"
    """Traded beyond its far side: a breaker from now on."""
    BLOCK_DEAD = "block_dead"
    BLOCK_EXPIRED = "block_expired"
    GAP_CREATED = "gap_created"
    GAP_TOUCHED = "gap_touched"
    GAP_FILLED = "gap_filled"
    GAP_INVERTED = "gap_inverted"
    GAP_DEAD = "gap_dead"
    GAP_EXPIRED = "gap_expired"
    POOL_CREATED = "pool_created"
    POOL_GROWN = "pool_grown"
    """Another swing turned at it."""
    POOL_SWEPT = "pool_swept"
    """Traded beyond and closed back inside: a stop hunt."""
    POOL_BROKEN = "pool_broken"
    """Closed beyond."""
    POOL_EXPIRED = "pool_expired"
    LEVEL_CREATED = "level_created"
    """A second swing turned in it."""
    LEVEL_HELD = "level_held"
    """Reached from outside, and closed back to that side."""
    DAY_ROLLED = "day_rolled"
    """The extremes of the trade date before are known."""
    WEEK_ROLLED = "week_rolled"


class Pattern(Struct, frozen=True):
    """Something that happened at the close of a bar. Prices in ticks, times in nanoseconds UTC."""

    kind: PatternKind
    timeframe: Timeframe
    direction: int
    """+1 if it speaks for a rise, -1 for a fall, 0 for neither."""
    index: int
    """Of the bar at whose close it happened."""
    stamp: int
    """Open time of the bar that it comes from: the candle of a block, the middle of a gap, a swing."""
    known_at: int
    """Close time of the bar at which it happened."""
    price: int
    """The level, or the edge that price meets first."""
    low: int
    high: int
    """Of the zone; both are `price` for a line."""
    label: str = ""
    """For breaks: BOS or CHoCH. For pools: highs or lows. For the day and the week before: high or low."""
    touches: int = 0
    """How often the zone has held, or how many swings it has."""
    number: int = 0
    """Of the zone among those of its kind in its series; 0 where there is none."""


_BLOCKS = {
    BlockState.ACTIVE: PatternKind.BLOCK_CREATED,
    BlockState.MITIGATED: PatternKind.BLOCK_MITIGATED,
    BlockState.BROKEN: PatternKind.BLOCK_BROKEN,
    BlockState.DEAD: PatternKind.BLOCK_DEAD,
    BlockState.EXPIRED: PatternKind.BLOCK_EXPIRED,
}
_GAPS = {
    GapState.OPEN: PatternKind.GAP_CREATED,
    GapState.TOUCHED: PatternKind.GAP_TOUCHED,
    GapState.FILLED: PatternKind.GAP_FILLED,
    GapState.INVERTED: PatternKind.GAP_INVERTED,
    GapState.DEAD: PatternKind.GAP_DEAD,
    GapState.EXPIRED: PatternKind.GAP_EXPIRED,
}


def of_break(broken: Break, timeframe: Timeframe) -> Pattern:
    level = broken.level
    return Pattern(
        PatternKind.BREAK,
        timeframe,
        broken.direction,
        broken.index,
        broken.swing.stamp,
        broken.known_at,
        level,
        level,
        level,
        broken.label,
    )


def of_block(block: OrderBlock, bar: Bar, index: int) -> list[Pattern]:
    """What the bar did to a block that it changed: it may have entered a state, held, or both."""
    kinds = [_BLOCKS[block.state]] if block.state_at == bar.close_ts else []
    if block.held_since == index:
        kinds.append(PatternKind.BLOCK_HELD)
    side = block.polarity
    return [
        Pattern(
            kind,
            bar.timeframe,
            side or _after_its_end(kind, block.direction),
            index,
            block.stamp,
            bar.close_ts,
            block.high if side > 0 else block.low,
            block.low,
            block.high,
            "",
            block.touches,
            block.number,
        )
        for kind in kinds
    ]


def of_gap(gap: FairValueGap, bar: Bar, index: int) -> list[Pattern]:
    """What the bar did to a gap that it changed."""
    kind, side = _GAPS[gap.state], gap.polarity
    found = Pattern(
        kind,
        bar.timeframe,
        side or _after_its_end(kind, gap.direction),
        index,
        gap.stamp,
        bar.close_ts,
        gap.high if side > 0 else gap.low,
        gap.low,
        gap.high,
        "",
        0,
        gap.number,
    )
    return [found]


def of_level(kind: PatternKind, side: int, level: Level, bar: Bar, index: int) -> Pattern:
    return Pattern(
        kind,
        bar.timeframe,
        side,
        index,
        level.stamp,
        bar.close_ts,
        level.middle,
        level.low,
        level.high,
        "",
        level.touches,
        level.number,
    )


def of_pool(pool: LiquidityPool, bar: Bar, index: int) -> Pattern:
    """What the bar, or the swing that it confirmed, did to a pool that it changed."""
    side, direction = pool.side, 0
    if pool.state is PoolState.RESTING:
        kind = PatternKind.POOL_CREATED if pool.touches == 2 else PatternKind.POOL_GROWN
    elif pool.state is PoolState.SWEPT:
        kind, direction = PatternKind.POOL_SWEPT, -side
    elif pool.state is PoolState.BROKEN:
        kind, direction = PatternKind.POOL_BROKEN, side
    else:
        kind = PatternKind.POOL_EXPIRED
    return Pattern(
        kind,
        bar.timeframe,
        direction,
        index,
        pool.stamp,
        bar.close_ts,
        pool.level,
        pool.low,
        pool.high,
        "highs" if side > 0 else "lows",
        pool.touches,
        pool.number,
    )


def of_roll(kind: PatternKind, previous: Extremes, bar: Bar, index: int) -> list[Pattern]:
    """The high and the low of the day or week before, if they became known with the bar."""
    low, high = previous.low, previous.high
    if low is None or high is None or previous.stamp != bar.open_ts:
        return []
    stamp, now = previous.stamp, bar.close_ts
    return [
        Pattern(kind, bar.timeframe, 0, index, stamp, now, price, low, high, label)
        for price, label in ((high, "high"), (low, "low"))
    ]


def _after_its_end(kind: PatternKind, direction: int) -> int:
    """What died was taken back in the direction in which it was born; what is only old says nothing."""
    return direction if kind in (PatternKind.BLOCK_DEAD, PatternKind.GAP_DEAD) else 0
