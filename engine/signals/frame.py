"""Everything that is known about one instrument on one timeframe, from closed bars only.

A frame's opinion is one number from -1 to +1, the sum of four voices: the trend of structure (fresh breaks
count more), whether swings rise or fall, where price stands against its own mean, and which way the newest
zone threw it back. Under a quarter it says nothing: a range.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.signals.atr import Atr
from engine.signals.gaps import FairValueGap, FairValueGaps
from engine.signals.legs import Legs
from engine.signals.levels import Levels
from engine.signals.liquidity import LiquidityPools
from engine.signals.order_blocks import OrderBlock, OrderBlocks
from engine.signals.patterns import (
    Pattern,
    PatternKind,
    of_block,
    of_break,
    of_gap,
    of_level,
    of_pool,
    of_roll,
)
from engine.signals.previous import Previous
from engine.signals.structure import Break, Structure
from engine.signals.swings import SwingDetector
from engine.signals.volume import RelativeVolume

_STRUCTURE, _SWINGS, _MEAN, _REACTION = 0.40, 0.15, 0.30, 0.15
_SILENCE = 0.25
"""Below this an opinion is none."""
_CERTAIN = 0.75
"""At this an opinion has full strength."""
_FRESH_BARS = 40
"""A break loses half of its weight over so many bars."""
_REACTION_BARS = 8
"""A zone's hold is forgotten after so many bars."""
_PATTERN_BARS = 30
"""An older pattern is no news any more."""
_PATTERNS_KEPT = 512
"""About three hundred bars of them."""
_RECENT_BARS = 5
_MEAN_BARS = 20
_MEAN_REACH_ATR = 1.5
"""Price so far from its mean, in ATR, speaks with full voice."""


class Reading(Struct, frozen=True):
    """What a frame says at its newest close."""

    direction: int
    """+1, -1, 0."""
    strength: float
    """0 to 1."""


class FrameSignals:
    """Signals of one series. `add` closed bars in order; one that is not newer is ignored."""

    __slots__ = (
        "_break_index",
        "_last_open_ts",
        "_mean",
        "_patterns",
        "_reaction",
        "_reading",
        "_swing_highs",
        "_swing_lows",
        "_untold",
        "atr",
        "bar",
        "blocks",
        "gaps",
        "index",
        "instrument",
        "legs",
        "levels",
        "liquidity",
        "pattern",
        "previous_day",
        "previous_week",
        "recent",
        "structure",
        "swings",
        "timeframe",
        "volume",
    )

    def __init__(
        self, instrument: str, timeframe: Timeframe, swing_size: int = 5, calendar: Calendar = CME
    ) -> None:
        """`calendar` says what the day before was."""
        self.instrument = instrument
        self.timeframe = timeframe
        self.index = -1
        """Number of the newest bar."""
        self.bar: Bar | None = None
        self.recent: deque[Bar] = deque(maxlen=_RECENT_BARS)
        """The newest few bars, oldest first."""
        self.swings = SwingDetector(swing_size)
        self.structure = Structure()
        self.blocks = OrderBlocks()
        self.gaps = FairValueGaps()
        self.levels = Levels()
        self.liquidity = LiquidityPools()
        self.legs = Legs()
        self.previous_day = Previous(calendar)
        self.previous_week = self.previous_day.week
        self.atr = Atr()
        self.volume = RelativeVolume()
        self.pattern: Pattern | None = None
        """The newest break, or hold of a block or a level."""
        self._patterns: deque[Pattern] = deque(maxlen=_PATTERNS_KEPT)
        self._untold: deque[Pattern | tuple[OrderBlock | FairValueGap, Bar, int]] = deque(
            maxlen=_PATTERNS_KEPT
        )
        """What happened since anybody asked; what many bars do to zones is put into words only then."""
        self._reading: Reading | None = None
        self._last_open_ts = -1
        self._mean = 0.0
        self._swing_highs: deque[int] = deque(maxlen=2)
        self._swing_lows: deque[int] = deque(maxlen=2)
        self._break_index = 0
        self._reaction: Pattern | None = None

    def add(self, bar: Bar) -> None:
        """Take the next closed bar."""
        if bar.open_ts <= self._last_open_ts:
            return
        self._last_open_ts = bar.open_ts
        self.index += 1
        atr = self.atr.add(bar)
        self.volume.add(bar.volume)
        untold, index = self._untold, self.index
        if self.previous_day.add(bar):
            untold += of_roll(PatternKind.DAY_ROLLED, self.previous_day, bar, index)
            untold += of_roll(PatternKind.WEEK_ROLLED, self.previous_week, bar, index)
        before, self.bar = self.bar, bar
        self.recent.append(bar)
        weight = 2 / (2 + index) if index < _MEAN_BARS else 2 / (1 + _MEAN_BARS)
        self._mean += (bar.close - self._mean) * weight
        self._reading = None

        swing = self.swings.add(bar)
        broken = self.structure.add(bar, swing)
        self._take_zones(bar, () if broken is None else (broken,), atr, before)
        for pool in self.liquidity.add(bar, swing, atr):
            untold.append(of_pool(pool, bar, index))
        if swing is not None:
            self.legs.add(swing)
            (self._swing_highs if swing.kind > 0 else self._swing_lows).append(swing.price)
            self.levels.add(swing, atr)
            if self.levels.formed is not None:
                untold.append(of_level(PatternKind.LEVEL_CREATED, 0, self.levels.formed, bar, index))
        if broken is not None:
            self._break_index = index
            self.pattern = of_break(broken, self.timeframe)
            untold.append(self.pattern)

    @property
    def patterns(self) -> deque[Pattern]:
        """The newest of all that happened, oldest first."""
        for what in self._untold:
            if isinstance(what, Pattern):
                self._patterns.append(what)
            else:
                zone, bar, index = what
                told = (
                    of_block(zone, bar, index) if isinstance(zone, OrderBlock) else of_gap(zone, bar, index)
                )
                self._patterns += told
        self._untold.clear()
        return self._patterns

    def patterns_after(self, ts: int) -> list[Pattern]:
        """Of what happened and is remembered, all that became known after `ts` (ns UTC), oldest first."""
        found: list[Pattern] = []
        for pattern in reversed(self.patterns):
            if pattern.known_at <= ts:
                break
            found.append(pattern)
        found.reverse()
        return found

    # -- zones ---------------------------------------------------------------------------------------

    def live_blocks(self, polarity: int) -> list[OrderBlock]:
        """Order blocks and breakers that should hold as support (+1) or as resistance (-1) now."""
        return [block for block in self.blocks.live if block.polarity == polarity]

    def _take_zones(self, bar: Bar, breaks: Sequence[Break], atr: float, before: Bar | None) -> None:
        """What the bar does to the zones that stood before it, and which it adds."""
        untold, index = self._untold, self.index
        held: Pattern | None = None
        for block in self.blocks.add(bar, breaks, atr):
            untold.append((block, bar, index))
            if block.held_since == index:
                held = of_block(block, bar, index)[-1]  # of several the newest block's
        for gap in self.gaps.add(bar, atr):
            untold.append((gap, bar, index))
        if before is not None:
            level, side = self.levels.held(bar, before)
            if level is not None:
                pattern = of_level(PatternKind.LEVEL_HELD, side, level, bar, index)
                untold.append(pattern)
                held = held or pattern
        if held is not None:
            self._reaction = self.pattern = held

    # -- the opinion -----------------------------------------------------------------------------------

    @property
    def reading(self) -> Reading:
        """What it says at its newest close."""
        if self._reading is None and self.bar is not None:
            self._reading = self._read(self.bar, self.atr.value or 0.0)
        return self._reading or Reading(0, 0.0)

    def _read(self, bar: Bar, atr: float) -> Reading:
        age = self.index - self._break_index
        structure = self.structure.trend * (0.5 + 0.5 * max(0.0, 1 - age / _FRESH_BARS))
        swings = (_slope(self._swing_highs) + _slope(self._swing_lows)) / 2
        reach = _MEAN_REACH_ATR * atr
        mean = max(-1.0, min(1.0, (bar.close - self._mean) / reach)) if reach else 0.0
        reaction = 0.0
        if self._reaction is not None:
            fade = 1 - (self.index - self._reaction.index) / _REACTION_BARS
            reaction = self._reaction.direction * max(0.0, fade)
        opinion = _STRUCTURE * structure + _SWINGS * swings + _MEAN * mean + _REACTION * reaction
        size = abs(opinion)
        if size < _SILENCE:
            return Reading(0, size / _CERTAIN)
        return Reading(1 if opinion > 0 else -1, min(1.0, size / _CERTAIN))

    def words(self, instrument: Instrument) -> str:
        """The newest pattern as people say it; empty before there is one."""
        pattern = self.pattern
        if pattern is not None and self.index - pattern.index <= _PATTERN_BARS:
            return _say(pattern, instrument)
        if self.bar is None:
            return ""
        high, low = self.previous_day.high, self.previous_day.low
        if high is not None and self.bar.close > high:
            return "above prev day high"
        if low is not None and self.bar.close < low:
            return "below prev day low"
        if pattern is None:
            return ""
        if self.reading.direction == 0:
            return "range"
        return "trend up" if self.reading.direction > 0 else "trend down"


def _slope(pair: deque[int]) -> int:
    if len(pair) < 2:
        return 0
    return (pair[1] > pair[0]) - (pair[1] < pair[0])


def _say(pattern: Pattern, instrument: Instrument) -> str:
    if pattern.kind is PatternKind.BREAK:
        return f"{pattern.label} {'up' if pattern.direction > 0 else 'down'}"
    price = instrument.text(pattern.price)
    if pattern.kind is PatternKind.BLOCK_HELD:
        return f"OB held {price}"
    return f"S/R {price} ×{pattern.touches}"
