"""Everything that is known about one instrument on one timeframe, from closed bars only.

A frame's opinion is one number from -1 to +1, the sum of four voices: the trend of structure (fresh breaks
count more), whether swings rise or fall, where price stands against its own mean, and which way the newest
zone threw it back. Under a quarter it says nothing: a range.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum

from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.signals.atr import Atr
from engine.signals.levels import Level, Levels, PreviousDay
from engine.signals.order_blocks import OrderBlock, OrderBlocks
from engine.signals.structure import Structure
from engine.signals.swings import Swing, SwingDetector
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
_RECENT_BARS = 5
_MEAN_BARS = 20
_MEAN_REACH_ATR = 1.5
"""Price so far from its mean, in ATR, speaks with full voice."""


class PatternKind(StrEnum):
    BREAK = "break"
    BLOCK_HELD = "block_held"
    LEVEL_HELD = "level_held"


class Pattern(Struct, frozen=True):
    """Something that happened at the close of a bar. Price in ticks."""

    kind: PatternKind
    direction: int
    index: int
    price: int
    label: str = ""
    """For breaks: BOS or CHoCH."""
    touches: int = 0


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
        "_reaction",
        "_swing_highs",
        "_swing_lows",
        "atr",
        "bar",
        "blocks",
        "index",
        "instrument",
        "levels",
        "pattern",
        "previous_day",
        "reading",
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
        self.levels = Levels()
        self.previous_day = PreviousDay(calendar)
        self.atr = Atr()
        self.volume = RelativeVolume()
        self.pattern: Pattern | None = None
        self.reading = Reading(0, 0.0)
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
        self.previous_day.add(bar)
        before, self.bar = self.bar, bar
        self.recent.append(bar)
        weight = 2 / (1 + min(self.index + 1, _MEAN_BARS))
        self._mean += (bar.close - self._mean) * weight

        swing = self.swings.add(bar)
        broken = self.structure.add(bar, swing)
        self.blocks.add(bar, () if broken is None else (broken,), atr)
        held = self._held_block() or (None if before is None else self._held_level(bar, before))
        if swing is not None:
            self._remember(swing)
            self.levels.add(swing, atr)
        if held is not None:
            self._reaction = self.pattern = held
        if broken is not None:
            self._break_index = self.index
            self.pattern = Pattern(
                PatternKind.BREAK, broken.direction, self.index, broken.level, broken.label
            )
        self.reading = self._read(bar, atr)

    # -- zones ---------------------------------------------------------------------------------------

    def live_blocks(self, polarity: int) -> list[OrderBlock]:
        """Order blocks and breakers that should hold as support (+1) or as resistance (-1) now."""
        return [block for block in self.blocks.live if block.polarity == polarity]

    def _held_block(self) -> Pattern | None:
        for block in reversed(self.blocks.live):
            if block.held_since == self.index:
                side = block.polarity
                edge = block.high if side > 0 else block.low
                return Pattern(PatternKind.BLOCK_HELD, side, self.index, edge, touches=block.touches)
        return None

    def _held_level(self, bar: Bar, before: Bar) -> Pattern | None:
        """A zone into which the bar came from outside and from which it closed back to that side."""
        best: Level | None = None
        side = 0
        for level in self.levels.found:
            if level.touches < 2 or bar.low > level.high or bar.high < level.low:
                continue
            if best is not None and level.touches <= best.touches:
                continue
            if bar.close > level.high and before.low > level.high:
                best, side = level, 1
            elif bar.close < level.low and before.high < level.low:
                best, side = level, -1
        if best is None:
            return None
        return Pattern(PatternKind.LEVEL_HELD, side, self.index, best.middle, touches=best.touches)

    def _remember(self, swing: Swing) -> None:
        (self._swing_highs if swing.kind > 0 else self._swing_lows).append(swing.price)

    # -- the opinion -----------------------------------------------------------------------------------

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
