"""Volume of a bar against what is usual."""

from __future__ import annotations

from collections import deque


class RelativeVolume:
    """Volume of the newest closed bar over the mean of the `length` bars before it."""

    __slots__ = ("_sum", "_window", "value")

    def __init__(self, length: int = 20) -> None:
        if length < 1:
            raise ValueError("an average needs at least one bar")
        self._window: deque[int] = deque(maxlen=length)
        self._sum = 0
        self.value: float | None = None
        """None while there is nothing to compare with."""

    def add(self, volume: int) -> float | None:
        """Take a closed bar's volume; gives its ratio to the mean before it."""
        window = self._window
        self.value = volume * len(window) / self._sum if self._sum else None
        if len(window) == window.maxlen:
            self._sum -= window[0]
        window.append(volume)
        self._sum += volume
        return self.value
