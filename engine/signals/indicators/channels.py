"""Channels around price: Bollinger, Donchian, Ichimoku (docs/indicators.md#channels). Prices in ticks."""

from __future__ import annotations

from collections import deque
from math import sqrt
from typing import ClassVar

from engine.model.market import Bar
from engine.signals.indicators.averages import whole


class Bollinger:
    """Mean of the newest `length` closes and bands of `deviations` standard deviations around it.

    The deviation is that of the whole window (divided by n), as in TA-Lib and talipp. Sums are of whole
    ticks and exact, however long it runs.
    """

    __slots__ = ("_deviations", "_squares", "_sum", "_window", "deviation", "value")
    of: ClassVar = "close"

    def __init__(self, length: int = 20, deviations: float = 2.0) -> None:
        self._window: deque[int] = deque(maxlen=whole(length, 2))
        self._deviations = deviations
        self._sum = self._squares = 0
        self.value: float | None = None
        """The middle, ticks."""
        self.deviation = 0.0
        """One standard deviation, ticks."""

    def add(self, close: int) -> float | None:
        """Take the next close; gives the middle."""
        window = self._window
        length = window.maxlen or 2
        if len(window) == length:
            gone = window[0]
            self._sum -= gone
            self._squares -= gone * gone
        window.append(close)
        self._sum += close
        self._squares += close * close
        if len(window) == length:
            self.value = self._sum / length
            self.deviation = sqrt(length * self._squares - self._sum * self._sum) / length
        return self.value

    @property
    def upper(self) -> float | None:
        return None if self.value is None else self.value + self._deviations * self.deviation

    @property
    def lower(self) -> float | None:
        return None if self.value is None else self.value - self._deviations * self.deviation


class Highest:
    """The highest of the newest `length` whole numbers; of their negatives it is the lowest.

    What can't be the highest any more is let go, so that a bar costs the same however long the window is.
    """

    __slots__ = ("_count", "_kept", "_length", "value")

    def __init__(self, length: int) -> None:
        self._length = whole(length)
        self._count = 0
        self._kept: deque[tuple[int, int]] = deque()
        """(Number of the bar, value), values falling."""
        self.value: int | None = None

    def add(self, value: int) -> int | None:
        kept, count = self._kept, self._count
        while kept and kept[-1][1] <= value:
            kept.pop()
        kept.append((count, value))
        if kept[0][0] <= count - self._length:
            kept.popleft()
        self._count = count + 1
        if self._count >= self._length:
            self.value = kept[0][1]
        return self.value


class Donchian:
    """Highest high and lowest low of the newest `length` bars, the present one included.

    For a break of the channel compare a close with `before`: the channel without its bar.
    """

    __slots__ = ("_highs", "_lows", "before", "value")

    def __init__(self, length: int = 20) -> None:
        self._highs, self._lows = Highest(length), Highest(length)
        self.value: tuple[int, int] | None = None
        """(High, low), ticks."""
        self.before: tuple[int, int] | None = None
        """The same at the bar before."""

    def add(self, bar: Bar) -> tuple[int, int] | None:
        """Take a closed bar; gives the channel with it."""
        self.before = self.value
        high, low = self._highs.add(bar.high), self._lows.add(-bar.low)
        if high is not None and low is not None:
            self.value = high, -low
        return self.value

    @property
    def middle(self) -> float | None:
        return None if self.value is None else sum(self.value) / 2


class Ichimoku:
    """Conversion and base line, and the cloud that stands at the present bar.

    The cloud was worked out `ahead` bars ago and drawn forward; nothing of the future is in it. (talipp has
    the slow span one bar later than the fast one; here both are of the same bar.) The lagging line is the
    close itself, drawn back, and says nothing that the close does not.
    """

    __slots__ = ("_base", "_coming", "_conversion", "_slow", "base", "cloud", "conversion")

    def __init__(self, conversion: int = 9, base: int = 26, slow: int = 52, ahead: int = 26) -> None:
        self._conversion, self._base, self._slow = Donchian(conversion), Donchian(base), Donchian(slow)
        self._coming: deque[tuple[float | None, float | None]] = deque(maxlen=whole(ahead) + 1)
        self.conversion: float | None = None
        """Middle of the shortest channel, ticks (tenkan)."""
        self.base: float | None = None
        """Middle of the one after (kijun)."""
        self.cloud: tuple[float, float] | None = None
        """Its fast and its slow edge at the present bar, ticks."""

    def add(self, bar: Bar) -> tuple[float, float] | None:
        """Take a closed bar; gives the cloud at it."""
        for channel in (self._conversion, self._base, self._slow):
            channel.add(bar)
        self.conversion, self.base = self._conversion.middle, self._base.middle
        first = None
        if self.conversion is not None and self.base is not None:
            first = (self.conversion + self.base) / 2
        self._coming.append((first, self._slow.middle))
        fast, slow = self._coming[0]
        if fast is not None and slow is not None and len(self._coming) == self._coming.maxlen:
            self.cloud = fast, slow
        return self.cloud

    @property
    def value(self) -> tuple[float, float] | None:
        """The cloud."""
        return self.cloud
