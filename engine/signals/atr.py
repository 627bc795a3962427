"""Average true range by Wilder's smoothing."""

from __future__ import annotations

from engine.model.market import Bar


class Atr:
    """ATR in ticks over `length` closed bars: the plain mean until there are so many, Wilder's after."""

    __slots__ = ("_close", "_count", "_length", "value")

    def __init__(self, length: int = 14) -> None:
        if length < 1:
            raise ValueError("an average needs at least one bar")
        self._length = length
        self._count = 0
        self._close: int | None = None
        self.value: float | None = None
        """None before the first bar."""

    def add(self, bar: Bar) -> float:
        """Take a closed bar; gives the ATR at its close."""
        close = self._close
        true_range = bar.high - bar.low
        if close is not None:
            if close > bar.high:
                true_range = close - bar.low
            elif close < bar.low:
                true_range = bar.high - close
        self._close = bar.close
        if self._count < self._length:
            self._count += 1
        before = 0.0 if self.value is None else self.value
        self.value = before + (true_range - before) / self._count
        return self.value
