"""Liquidity: where stops rest beyond swings that turned at one price, and what becomes of them
(docs/signals.md#liquidity).

A pool is made of two or more swing highs (or lows) within max(2 ticks, a tenth of the ATR) of each other; its
level is their extreme. It is known when the second of them is confirmed. A bar that trades beyond the level
ends it: closed back inside it is SWEPT (a stop hunt), closed beyond it is BROKEN; a break that closes back
inside within so many bars turns out to have been a sweep: that is told then, the break stays told.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from engine.model.market import Bar
from engine.signals.swings import Swing
from engine.signals.triggers import ABOVE, BELOW, Triggers

_LEAST_TICKS = 2
_TOLERANCE_ATR = 0.1


class PoolState(StrEnum):
    RESTING = "resting"
    SWEPT = "swept"
    BROKEN = "broken"
    EXPIRED = "expired"


class LiquidityPool(Struct, frozen=True):
    """One pool, in the state that the newest of its bars left it in; a change makes another of its number.
    Prices in ticks, times in nanoseconds UTC.
    """

    number: int
    """Grows with every pool of its series."""
    side: int
    """+1 for highs, whose stops rest above; -1 for lows."""
    low: int
    high: int
    """Bounds of its swings."""
    touches: int
    """Its swings; a turn that goes on to a new extreme is still one."""
    stamp: int
    """Open time of the bar of the swing that is its level."""
    known_at: int
    """When the second swing was confirmed."""
    last_index: int
    """Bar at which its newest swing was confirmed."""
    newest: int
    """Index of that swing."""
    tolerance: int
    """How far another swing may lie, as when the newest was confirmed."""
    state: PoolState = PoolState.RESTING
    state_at: int = 0
    valid_to: int = 0
    """Close of the bar that traded beyond it, or with which it expired; 0 while it rests."""
    reached_index: int = -1
    """The first bar that traded beyond it."""

    @property
    def level(self) -> int:
        return self.high if self.side > 0 else self.low


class LiquidityPools:
    """The pools of one series. A break may turn out to be a sweep within `sweep_bars`, the breaking bar
    counted; a pool that gets no swing for `expire_after` bars is over, and so is the stalest beyond `keep`.
    """

    __slots__ = (
        "_born",
        "_broken",
        "_expire_after",
        "_gathered",
        "_keep",
        "_next_expiry",
        "_sweep_bars",
        "_triggers",
        "index",
    )

    def __init__(self, sweep_bars: int = 3, expire_after: int = 500, keep: int = 64) -> None:
        if sweep_bars < 1:
            raise ValueError("a sweep needs the bar that goes beyond")
        self._sweep_bars = sweep_bars
        self._expire_after = expire_after
        self._keep = keep
        self._next_expiry = expire_after
        """No pool expires for want of swings before this bar."""
        self._born = 0
        self.index = -1
        self._gathered: dict[int, LiquidityPool] = {}
        """Single swings too, that with the oldest newest swing first."""
        self._broken: dict[int, LiquidityPool] = {}
        """Those whose break may still turn out to be a sweep."""
        self._triggers = Triggers()

    @property
    def live(self) -> list[LiquidityPool]:
        """Pools that rest, that with the oldest newest swing first."""
        return [pool for pool in self._gathered.values() if pool.touches > 1]

    def add(self, bar: Bar, swing: Swing | None = None, atr: float = 0.0) -> list[LiquidityPool]:
        """Take a closed bar, the swing that its close confirmed and the ATR (ticks) then; gives the pools
        that changed, as they are now. Pools that stood before see the bar first.
        """
        self.index += 1
        changed: list[LiquidityPool] = []
        if self._broken:
            self._look_back(bar, changed)
        triggers = self._triggers
        if bar.low <= triggers.below or bar.high >= triggers.above:
            for number in triggers.reached(bar.low, bar.high):
                pool = self._gathered.pop(number)
                if pool.touches > 1:
                    changed.append(self._reached(pool, bar))
        if self.index >= self._next_expiry or len(self._gathered) > self._keep:
            self._expire(bar, changed)
        if swing is not None and swing.superseded_by is None:  # else it is no turn of its own
            grown = self._gather(swing, max(_LEAST_TICKS, round(_TOLERANCE_ATR * atr)))
            if grown is not None:
                changed.append(grown)
        return changed

    def _gather(self, swing: Swing, tolerance: int) -> LiquidityPool | None:
        """Let the swing join what is nearest; gives the pool that it made or that it is another touch of."""
        price = swing.price
        before = self._nearest(swing.kind, price, tolerance)
        if before is None:
            self._born += 1
            single = LiquidityPool(
                self._born,
                swing.kind,
                price,
                price,
                1,
                swing.stamp,
                swing.known_at,
                self.index,
                swing.index,
                tolerance,
            )
            self._rest(single)
            return None
        self._triggers.forget(*_waits_for(before), before.number)
        del self._gathered[before.number]
        touches = before.touches + (swing.supersedes != before.newest)
        formed = before.touches == 1
        further = (price - before.level) * swing.kind > 0
        pool = replace(
            before,
            low=min(before.low, price) if touches > 1 else price,
            high=max(before.high, price) if touches > 1 else price,
            touches=touches,
            stamp=swing.stamp if further else before.stamp,
            known_at=swing.known_at if formed else before.known_at,
            last_index=self.index,
            newest=swing.index,
            tolerance=tolerance,
            state_at=swing.known_at if formed else before.state_at,
        )
        self._rest(pool)
        return pool if touches > before.touches else None

    def _nearest(self, side: int, price: int, tolerance: int) -> LiquidityPool | None:
        best: LiquidityPool | None = None
        best_width = tolerance + 1
        for pool in self._gathered.values():
            if pool.side == side:
                width = max(pool.high, price) - min(pool.low, price)
                if width < best_width:
                    best, best_width = pool, width
        return best

    def _rest(self, pool: LiquidityPool) -> None:
        self._gathered[pool.number] = pool
        self._triggers.wait(*_waits_for(pool), pool.number)

    def _reached(self, pool: LiquidityPool, bar: Bar) -> LiquidityPool:
        inside = (bar.close - pool.level) * pool.side <= 0
        state = PoolState.SWEPT if inside else PoolState.BROKEN
        now = bar.close_ts
        pool = replace(pool, state=state, state_at=now, valid_to=now, reached_index=self.index)
        if not inside:
            self._broken[pool.number] = pool
        return pool

    def _look_back(self, bar: Bar, changed: list[LiquidityPool]) -> None:
        """Which breaks this bar takes back, and which stand."""
        for pool in list(self._broken.values()):
            if self.index - pool.reached_index >= self._sweep_bars:
                del self._broken[pool.number]
            elif (bar.close - pool.level) * pool.side <= 0:
                del self._broken[pool.number]
                changed.append(replace(pool, state=PoolState.SWEPT, state_at=bar.close_ts))

    def _expire(self, bar: Bar, changed: list[LiquidityPool]) -> None:
        self._next_expiry = self.index + self._expire_after  # of what has no swing yet, at the earliest
        while self._gathered:
            stalest = next(iter(self._gathered.values()))
            old = self.index - stalest.last_index > self._expire_after
            if not old and len(self._gathered) <= self._keep:
                self._next_expiry = stalest.last_index + self._expire_after + 1
                break
            self._end(stalest, bar, changed)

    def _end(self, pool: LiquidityPool, bar: Bar, changed: list[LiquidityPool]) -> None:
        self._triggers.forget(*_waits_for(pool), pool.number)
        del self._gathered[pool.number]
        if pool.touches > 1:
            now = bar.close_ts
            changed.append(replace(pool, state=PoolState.EXPIRED, state_at=now, valid_to=now))


def _waits_for(pool: LiquidityPool) -> tuple[int, int]:
    """The side and the price of the trade that ends it: a single swing may get a neighbour beyond it."""
    beyond = 1 if pool.touches > 1 else pool.tolerance + 1
    return (ABOVE, pool.high + beyond) if pool.side > 0 else (BELOW, pool.low - beyond)
