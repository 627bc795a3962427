"""Whether and where a market runs: SuperTrend, ADX (docs/indicators.md#trend-indicators). Prices in ticks."""

from __future__ import annotations

from engine.model.market import Bar
from engine.signals.atr import Atr
from engine.signals.indicators.averages import whole


class SuperTrend:
    """A stop line `multiple` ATR from the middle of the bars that only comes nearer, and turns when a close
    is beyond it.

    The ATR is Wilder's. The first line lies under a close in the upper half of its bar, else above it; from
    its second turn on the line is talipp's, which begins with bands at 0.
    """

    __slots__ = ("_atr", "_close", "_count", "_length", "_lower", "_multiple", "_upper", "direction")

    def __init__(self, length: int = 10, multiple: float = 3.0) -> None:
        self._length = whole(length)
        self._multiple = multiple
        self._atr = Atr(length)
        self._count = 0
        self._close = 0
        self._upper = self._lower = 0.0
        self.direction = 0
        """+1 rising, -1 falling, 0 while it is not warm."""

    def add(self, bar: Bar) -> float | None:
        """Take a closed bar; gives the line, ticks."""
        reach = self._multiple * self._atr.add(bar)
        before, self._close = self._close, bar.close
        self._count += 1
        if self._count < self._length:
            return None
        middle = (bar.high + bar.low) / 2
        upper, lower = middle + reach, middle - reach
        if not self.direction:
            self.direction = 1 if bar.close >= middle else -1
            self._upper, self._lower = upper, lower
            return self.value
        if upper < self._upper or before > self._upper:
            self._upper = upper
        if lower > self._lower or before < self._lower:
            self._lower = lower
        if self.direction > 0:
            self.direction = 1 if bar.close >= self._lower else -1
        else:
            self.direction = -1 if bar.close <= self._upper else 1
        return self.value

    @property
    def value(self) -> float | None:
        """The line: below price while it rises, above while it falls."""
        if not self.direction:
            return None
        return self._lower if self.direction > 0 else self._upper


class Adx:
    """Strength of a trend, 0 to 100, whichever way it goes, with the two directional indices beside it.

    Wilder's sums as in TA-Lib: the first holds `length` - 1 changes, and each later one drops its
    `length`-th part; the index itself is the plain mean of the first `length`, Wilder's mean after.
    """

    __slots__ = ("_before", "_count", "_falls", "_length", "_ranges", "_rises", "_total", "value")

    def __init__(self, length: int = 14) -> None:
        self._length = whole(length, 2)
        self._before: Bar | None = None
        self._count = 0
        self._rises = self._falls = self._ranges = 0.0
        self._total = 0.0
        self.value: float | None = None

    @property
    def rising(self) -> float | None:
        """The positive index, 0 to 100."""
        return self._share(self._rises)

    @property
    def falling(self) -> float | None:
        """The negative index."""
        return self._share(self._falls)

    def _share(self, part: float) -> float | None:
        if self._count < self._length:
            return None
        return 100 * part / self._ranges if self._ranges else 0.0

    def add(self, bar: Bar) -> float | None:
        """Take a closed bar; gives the strength with it."""
        before, self._before = self._before, bar
        if before is None:
            return None
        length = self._length
        self._count += 1
        if self._count >= length:
            self._rises -= self._rises / length
            self._falls -= self._falls / length
            self._ranges -= self._ranges / length
        up, down = bar.high - before.high, before.low - bar.low
        if up > down and up > 0:
            self._rises += up
        elif down > up and down > 0:
            self._falls += down
        self._ranges += max(bar.high, before.close) - min(bar.low, before.close)
        if self._count < length:
            return None
        moved = self._rises + self._falls
        if self.value is None:
            self._total += 100 * abs(self._rises - self._falls) / moved if moved else 0.0
            if self._count == 2 * length - 1:
                self.value = self._total / length
        elif moved:
            self.value += (100 * abs(self._rises - self._falls) / moved - self.value) / length
        return self.value
