"""Fair value gaps: prices that a fast bar jumped over (docs/signals.md#fair-value-gaps).

Bar i leaves a bullish gap when it rises and the low of i + 1 lies above the high of i - 1; the gap is what
lies between. It is known at the close of i + 1. From then on each bar leaves it in the furthest state that it
reached, and none is ever taken back:

OPEN -> TOUCHED (traded into) -> FILLED (traded to its far edge) -> INVERTED (closed beyond that: it works the
other way round) -> DEAD (closed back beyond its near edge); or EXPIRED after so many bars.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from engine.model.market import Bar
from engine.signals.triggers import ABOVE, BELOW, Triggers


class GapState(StrEnum):
    OPEN = "open"
    TOUCHED = "touched"
    FILLED = "filled"
    INVERTED = "inverted"
    DEAD = "dead"
    EXPIRED = "expired"


class FairValueGap(Struct, frozen=True):
    """One gap, in the state that the newest of its bars left it in; a change makes another of the same
    number. Prices in ticks, times in nanoseconds UTC.
    """

    number: int
    """Of the gap among those of its series, from 1."""
    direction: int
    """+1 bullish, -1 bearish: as born. An inverted gap works the other way round."""
    low: int
    high: int
    stamp: int
    """Open time of the bar that made it."""
    created_index: int
    """Of the bar after that one."""
    known_at: int
    """Close time of the bar after that one."""
    size_atr: float
    """Its height over the ATR then; 0 while there is no ATR."""
    state: GapState = GapState.OPEN
    state_at: int = 0
    valid_to: int = 0
    """When it was over; 0 while it lives."""

    @property
    def works_since(self) -> int:
        """When it became known that it works the way it does now."""
        return self.state_at if self.state is GapState.INVERTED else self.known_at

    @property
    def polarity(self) -> int:
        """+1 if it should hold as support now, -1 as resistance, 0 when it is over."""
        if self.valid_to:
            return 0
        return -self.direction if self.state is GapState.INVERTED else self.direction


def gap_between(before: Bar, bar: Bar, after: Bar) -> int:
    """+1 or -1 if `bar` left a gap between its neighbours and runs the same way, else 0."""
    if before.high < after.low and bar.close > bar.open:
        return 1
    if before.low > after.high and bar.close < bar.open:
        return -1
    return 0


class FairValueGaps:
    """The gaps of one series. `expire_after` is in bars."""

    __slots__ = (
        "_before",
        "_expire_after",
        "_last",
        "_live",
        "_next_expiry",
        "_seen",
        "_triggers",
        "created",
    )

    def __init__(self, expire_after: int = 500) -> None:
        self._expire_after = expire_after
        self._before: Bar | None = None
        self._last: Bar | None = None
        self._seen = 0
        self._live: dict[int, FairValueGap] = {}
        self._next_expiry = expire_after
        """No gap expires before this bar."""
        self._triggers = Triggers()
        self.created = 0

    @property
    def live(self) -> list[FairValueGap]:
        """Oldest first."""
        return list(self._live.values())

    def add(self, bar: Bar, atr: float | None = None) -> list[FairValueGap]:
        """Take a closed bar; gives the gaps that changed, as they are now, and then a new one.

        `atr` is in ticks. Gaps that stood before see the bar; the one that it completes sees only later bars.
        """
        index = self._seen
        self._seen += 1
        low, high = bar.low, bar.high
        changed = self._expire(bar, index) if index >= self._next_expiry else []
        triggers = self._triggers
        if low <= triggers.below or high >= triggers.above:
            for number in triggers.reached(low, high):
                gap = self._live[number]
                after = _after(gap, bar)
                if after is not gap:
                    changed.append(after)
                self._settle(after)
        before, last = self._before, self._last
        if before is not None and last is not None and (before.high < low or before.low > high):
            direction = gap_between(before, last, bar)
            if direction:
                changed.append(self._create(direction, before, last, bar, index, atr))
        self._before, self._last = last, bar
        return changed

    def _create(
        self, direction: int, before: Bar, last: Bar, bar: Bar, index: int, atr: float | None
    ) -> FairValueGap:
        self.created += 1
        low, high = (before.high, bar.low) if direction > 0 else (bar.high, before.low)
        gap = FairValueGap(
            number=self.created,
            direction=direction,
            low=low,
            high=high,
            stamp=last.open_ts,
            created_index=index,
            known_at=bar.close_ts,
            size_atr=(high - low) / atr if atr else 0.0,
            state_at=bar.close_ts,
        )
        self._settle(gap)
        return gap

    def _settle(self, gap: FairValueGap) -> None:
        """As it is now, and waiting for the price at which something may happen to it next."""
        if not gap.valid_to:
            self._live[gap.number] = gap
            self._triggers.wait(*_waits_for(gap), gap.number)
        else:
            del self._live[gap.number]

    def _expire(self, bar: Bar, index: int) -> list[FairValueGap]:
        over: list[FairValueGap] = []
        self._next_expiry = index + self._expire_after  # of what is not born yet, at the earliest
        while self._live:
            gap = next(iter(self._live.values()))
            if index - gap.created_index <= self._expire_after:
                self._next_expiry = gap.created_index + self._expire_after + 1
                break
            self._triggers.forget(*_waits_for(gap), gap.number)
            gap = _become(gap, GapState.EXPIRED, bar)
            self._settle(gap)
            over.append(gap)
        return over


def _waits_for(gap: FairValueGap) -> tuple[int, int]:
    """The side and the price at which its state may change next."""
    state = gap.state
    if (gap.direction > 0) != (state is GapState.INVERTED):
        edge = gap.high if state is GapState.OPEN else gap.low if state is GapState.TOUCHED else gap.low - 1
        return BELOW, edge
    edge = gap.low if state is GapState.OPEN else gap.high if state is GapState.TOUCHED else gap.high + 1
    return ABOVE, edge


def _after(gap: FairValueGap, bar: Bar) -> FairValueGap:
    """The gap as a bar leaves it that reached what it waits for: itself where nothing came of it."""
    bullish = gap.direction > 0
    if gap.state is GapState.INVERTED:
        back = bar.close > gap.high if bullish else bar.close < gap.low
        return _become(gap, GapState.DEAD, bar) if back else gap
    if bar.close < gap.low if bullish else bar.close > gap.high:
        return _become(gap, GapState.INVERTED, bar)
    if bar.low <= gap.low if bullish else bar.high >= gap.high:
        return gap if gap.state is GapState.FILLED else _become(gap, GapState.FILLED, bar)
    return _become(gap, GapState.TOUCHED, bar)


def _become(gap: FairValueGap, state: GapState, bar: Bar) -> FairValueGap:
    now = bar.close_ts
    over = state is GapState.DEAD or state is GapState.EXPIRED
    return replace(gap, state=state, state_at=now, valid_to=now if over else 0)
