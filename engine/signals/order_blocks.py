"""Order blocks: the candle from which a move broke a swing (docs/signals.md#order-blocks).

A bullish block is created at the close of bar t that breaks a swing high: it is the candle with the lowest
low between swing and t (the last of equals), its whole range; bearish blocks mirror it. From then on it
lives through states, each change known at the close that made it, and none is ever taken back:

ACTIVE -> MITIGATED (traded into) -> BROKEN (traded beyond its far side: now a breaker of the opposite
polarity) -> DEAD (traded back beyond its near side); or EXPIRED after so many bars.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from engine.model.market import Bar
from engine.signals.gaps import gap_between
from engine.signals.structure import Break
from engine.signals.triggers import ABOVE, BELOW, Triggers


class BlockState(StrEnum):
    ACTIVE = "active"
    MITIGATED = "mitigated"
    BROKEN = "broken"
    DEAD = "dead"
    EXPIRED = "expired"


class OrderBlock(Struct, frozen=True):
    """One zone, in the state that the newest of its bars left it in; a change makes another OrderBlock of the
    same number. Prices in ticks.
    """

    number: int
    """Of the zone among those of its series, from 1."""
    direction: int
    """+1 bullish, -1 bearish: as born. A broken block works the other way round."""
    low: int
    high: int
    stamp: int
    """Open time of the zone's candle."""
    candle_index: int
    created_index: int
    known_at: int
    """Close time of the bar that broke the swing, nanoseconds UTC."""
    volume_ratio: float
    """Volume of the zone's candle over the mean of the move's other bars; 1 if there is none."""
    displacement: float
    """Range of the breaking bar over the ATR; 0 while there is no ATR."""
    fair_value_gap: bool
    """The move away from the zone left a gap between a bar and the next but one."""
    state: BlockState = BlockState.ACTIVE
    state_at: int = 0
    valid_to: int = 0
    """When it was over, nanoseconds UTC; 0 while it lives."""
    touches: int = 0
    """Times that it held since it is what it is now: price traded into it and closed back on the side that
    it defends. Bars in a row count once.
    """
    held_since: int = -1
    """Index of the bar at which the newest of them began."""
    last_touch: int = -1
    """Index of the newest bar that it held."""

    @property
    def works_since(self) -> int:
        """When it became known that it works the way it does now, nanoseconds UTC."""
        return self.state_at if self.state is BlockState.BROKEN else self.known_at

    @property
    def polarity(self) -> int:
        """+1 if it should hold as support now, -1 as resistance, 0 when it is over."""
        if self.valid_to:
            return 0
        return -self.direction if self.state is BlockState.BROKEN else self.direction


class OrderBlocks:
    """The order blocks of one series.

    `expire_after` is in bars, None for never; `keep` bounds how many finished blocks and how many bars
    are remembered. Statistics count all of them, the dead too.
    """

    __slots__ = (
        "_bars",
        "_expire_after",
        "_keep",
        "_live",
        "_next_expiry",
        "_seen",
        "_triggers",
        "counts",
        "created",
        "finished",
    )

    def __init__(self, expire_after: int | None = 500, keep: int = 512) -> None:
        self._expire_after = expire_after
        self._keep = keep
        self._bars: list[Bar] = []
        self._seen = 0
        self.created = 0
        self._live: dict[int, OrderBlock] = {}
        self._next_expiry = expire_after or 0
        """No block expires before this bar."""
        self._triggers = Triggers()
        self.finished: deque[OrderBlock] = deque(maxlen=keep)
        self.counts: Counter[BlockState] = Counter()
        """How many blocks ever entered each state."""

    @property
    def live(self) -> list[OrderBlock]:
        """Oldest first."""
        return list(self._live.values())

    def add(self, bar: Bar, breaks: Sequence[Break] = (), atr: float | None = None) -> list[OrderBlock]:
        """Take a closed bar and the breaks it made; gives the blocks that changed, as they are now, and
        then the new ones.

        `atr` is in ticks. Blocks that stood before see the bar first; a new one sees only later bars.
        """
        index = self._seen
        self._seen += 1
        bars = self._bars
        bars.append(bar)
        if len(bars) > 2 * self._keep:
            del bars[: -self._keep]
        changed = self._expire(bar, index) if index >= self._next_expiry else []
        triggers = self._triggers
        if bar.low <= triggers.below or bar.high >= triggers.above:
            for number in triggers.reached(bar.low, bar.high):
                block = self._live[number]
                after = self._after(block, bar, index)
                if after is not block:
                    changed.append(after)
                self._settle(after)
        for broken in breaks:
            changed.append(self._create(broken, bar, index, atr))
        return changed

    def _settle(self, block: OrderBlock) -> None:
        """As it is now, and waiting for the price at which something may happen to it next."""
        if block.valid_to:
            del self._live[block.number]
            self.finished.append(block)
        else:
            self._live[block.number] = block
            self._triggers.wait(*_waits_for(block), block.number)

    def _expire(self, bar: Bar, index: int) -> list[OrderBlock]:
        over: list[OrderBlock] = []
        if self._expire_after is None:
            return over
        self._next_expiry = index + self._expire_after  # of what is not born yet, at the earliest
        while self._live:
            block = next(iter(self._live.values()))
            if index - block.created_index <= self._expire_after:
                self._next_expiry = block.created_index + self._expire_after + 1
                break
            self._triggers.forget(*_waits_for(block), block.number)
            over.append(self._become(block, BlockState.EXPIRED, bar, valid_to=bar.close_ts))
            self._settle(over[-1])
        return over

    def _after(self, block: OrderBlock, bar: Bar, index: int) -> OrderBlock:
        """The block as a bar leaves it that reached it: itself where nothing happened to it."""
        low, high, close = bar.low, bar.high, bar.close
        bullish = block.direction > 0
        state = block.state
        if state is BlockState.BROKEN:
            if high > block.high if bullish else low < block.low:
                return self._become(block, BlockState.DEAD, bar, valid_to=bar.close_ts)
            if high >= block.low > close if bullish else low <= block.high < close:
                return _touched(block, index)
        elif low < block.low if bullish else high > block.high:
            return self._become(block, BlockState.BROKEN, bar, touches=0)
        elif low <= block.high if bullish else high >= block.low:
            if state is BlockState.ACTIVE:
                block = self._become(block, BlockState.MITIGATED, bar)
            if close > block.high if bullish else close < block.low:
                return _touched(block, index)
        return block

    def _become(self, block: OrderBlock, state: BlockState, bar: Bar, **changes: int) -> OrderBlock:
        self.counts[state] += 1
        return replace(block, state=state, state_at=bar.close_ts, **changes)

    def _create(self, broken: Break, bar: Bar, index: int, atr: float | None) -> OrderBlock:
        first = len(self._bars) - (index - broken.swing.index)  # the bar after the swing
        move = self._bars[max(0, first, len(self._bars) - self._keep) : -1] or [bar]
        if broken.direction > 0:
            extreme = min(one.low for one in move)
            at = max(k for k, one in enumerate(move) if one.low == extreme)
        else:
            extreme = max(one.high for one in move)
            at = max(k for k, one in enumerate(move) if one.high == extreme)
        candle = move[at]
        leg = [*move[at:], bar]
        others = [one.volume for one in leg[1:]]
        mean = sum(others) / len(others) if others else 0.0
        self.created += 1
        block = OrderBlock(
            number=self.created,
            direction=broken.direction,
            low=candle.low,
            high=candle.high,
            stamp=candle.open_ts,
            candle_index=index - len(move) + at,
            created_index=index,
            known_at=bar.close_ts,
            volume_ratio=candle.volume / mean if mean else 1.0,
            displacement=(bar.high - bar.low) / atr if atr else 0.0,
            fair_value_gap=_has_gap(leg, broken.direction),
            state_at=bar.close_ts,
        )
        self.counts[BlockState.ACTIVE] += 1
        self._settle(block)
        return block


def _touched(block: OrderBlock, index: int) -> OrderBlock:
    if index > block.last_touch + 1 or not block.touches:
        return replace(block, touches=block.touches + 1, held_since=index, last_touch=index)
    return replace(block, last_touch=index)


def _waits_for(block: OrderBlock) -> tuple[int, int]:
    """The side and the price at which something may happen to it: its near edge."""
    return (BELOW, block.high) if block.polarity > 0 else (ABOVE, block.low)


def _has_gap(leg: Sequence[Bar], direction: int) -> bool:
    return any(
        gap_between(before, bar, after) == direction
        for before, bar, after in zip(leg, leg[1:], leg[2:], strict=False)
    )
