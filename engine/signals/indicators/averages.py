"""Averages of a number a bar (docs/indicators.md#averages).

All are O(1) a bar, hold no more than their length, and are None until they have seen enough.
"""

from __future__ import annotations

from collections import deque
from math import fsum
from typing import ClassVar


def whole(length: int, least: int = 1) -> int:
    """A length in bars. Raises ValueError where it is too short."""
    if length < least:
        raise ValueError(f"a length of at least {least} is needed, not {length}")
    return length


class Sma:
    """The plain mean of the newest `length` values. Of whole numbers it is exact."""

    __slots__ = ("_count", "_sum", "_window", "value")
    of: ClassVar = "close"

    def __init__(self, length: int = 20) -> None:
        self._window: deque[float] = deque(maxlen=whole(length))
        self._sum: float = 0
        self._count = 0
        self.value: float | None = None

    def add(self, value: float) -> float | None:
        """Take the next value; gives the mean with it."""
        window = self._window
        length = window.maxlen or 1
        if len(window) == length:
            self._sum -= window[0]
        window.append(value)
        self._sum += value
        self._count += 1
        if len(window) < length:
            return None
        if not self._count % length:
            # What rounding has left over of fractions goes: a window that turns over begins anew.
            self._sum = fsum(window)
        self.value = self._sum / length
        return self.value


class Ema:
    """Exponential mean, weight 2 / (length + 1), begun with the plain mean of the first `length` values, as
    TA-Lib and talipp do.
    """

    __slots__ = ("_count", "_length", "_sum", "_weight", "value")
    of: ClassVar = "close"

    def __init__(self, length: int = 20) -> None:
        self._length = whole(length)
        self._weight = 2 / (length + 1)
        self._sum = 0.0
        self._count = 0
        self.value: float | None = None

    def add(self, value: float) -> float | None:
        """Take the next value; gives the mean with it."""
        if self.value is not None:
            self.value += (value - self.value) * self._weight
            return self.value
        self._count += 1
        self._sum += value
        if self._count == self._length:
            self.value = self._sum / self._length
        return self.value


class Macd:
    """Difference of a fast and a slow exponential mean, and the mean of that, the signal.

    Both means begin with their own first values, as in talipp and on most charts; TA-Lib begins the fast one
    with the slow one, which is the same after some hundred bars.
    """

    __slots__ = ("_fast", "_mean", "_slow", "value")
    of: ClassVar = "close"

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        """Raises ValueError where the fast mean is not the shorter one."""
        if fast >= slow:
            raise ValueError(f"the fast length must be below the slow one, not {fast} and {slow}")
        self._fast, self._slow, self._mean = Ema(fast), Ema(slow), Ema(signal)
        self.value: float | None = None
        """Fast less slow, in the unit of the values."""

    @property
    def signal(self) -> float | None:
        return self._mean.value

    @property
    def histogram(self) -> float | None:
        """Value less signal."""
        signal = self._mean.value
        return None if self.value is None or signal is None else self.value - signal

    def add(self, value: float) -> float | None:
        """Take the next value; gives fast less slow."""
        fast, slow = self._fast.add(value), self._slow.add(value)
        if fast is not None and slow is not None:
            self.value = fast - slow
            self._mean.add(self.value)
        return self.value


class Rsi:
    """Relative strength by Wilder: the mean rise over rises and falls together, 0 to 100.

    It begins with the plain means of the first `length` changes, as TA-Lib does. Where nothing has moved it
    is 50, where TA-Lib says 0 and talipp 100: a market that stands still is neither sold nor bought out.
    """

    __slots__ = ("_before", "_count", "_falls", "_length", "_rises", "value")
    of: ClassVar = "close"

    def __init__(self, length: int = 14) -> None:
        self._length = whole(length)
        self._rises = self._falls = 0.0
        self._count = 0
        self._before: float | None = None
        self.value: float | None = None

    def add(self, value: float) -> float | None:
        """Take the next value, as a rule a close; gives the index with it."""
        before, self._before = self._before, value
        if before is None:
            return None
        change = value - before
        rise, fall = (change, 0.0) if change > 0 else (0.0, -change)
        length = self._length
        if self._count < length:
            self._count += 1
            self._rises += rise / length
            self._falls += fall / length
            if self._count < length:
                return None
        else:
            self._rises += (rise - self._rises) / length
            self._falls += (fall - self._falls) / length
        moved = self._rises + self._falls
        self.value = 100 * self._rises / moved if moved else 50.0
        return self.value
