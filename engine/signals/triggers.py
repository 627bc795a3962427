"""Prices at which something may happen to a zone: only the zones that a bar reaches are looked at."""

from __future__ import annotations

from bisect import bisect_left, insort

BELOW, ABOVE = -1, 1


_NEVER = 1 << 62


class Triggers:
    """Waits for prices of numbered zones, ticks: BELOW fires when a bar's low is at its price or under it,
    ABOVE when its high is at it or over it. A bar that reaches none costs two comparisons, however many wait.
    """

    __slots__ = ("_above", "_below", "above", "below")

    def __init__(self) -> None:
        self._below: list[tuple[int, int]] = []
        self._above: list[tuple[int, int]] = []
        """Both ascend, these by the negative of their price: what is reached first stands last."""
        self.below = -_NEVER
        """The price that fires first on the way down. A bar between it and `above` reaches none: who has many
        bars asks that first.
        """
        self.above = _NEVER

    def wait(self, side: int, price: int, number: int) -> None:
        if side > 0:
            insort(self._above, (-price, number))
            self.above = -self._above[-1][0]
        else:
            insort(self._below, (price, number))
            self.below = self._below[-1][0]

    def forget(self, side: int, price: int, number: int) -> None:
        """Wait no longer for what was waited for. Raises ValueError for what was not."""
        waiting, entry = (self._above, (-price, number)) if side > 0 else (self._below, (price, number))
        place = bisect_left(waiting, entry)
        if place == len(waiting) or waiting[place] != entry:
            raise ValueError(f"zone {number} does not wait for {price}")
        del waiting[place]
        self._look()

    def reached(self, low: int, high: int) -> list[int]:
        """Numbers of the zones whose prices a bar reached, the oldest first. They wait no longer."""
        below, above = self._below, self._above
        found: list[int] = []
        while below and below[-1][0] >= low:
            found.append(below.pop()[1])
        while above and above[-1][0] >= -high:
            found.append(above.pop()[1])
        if len(found) > 1:
            found.sort()
        self._look()
        return found

    def _look(self) -> None:
        self.below = self._below[-1][0] if self._below else -_NEVER
        self.above = -self._above[-1][0] if self._above else _NEVER

    def __len__(self) -> int:
        return len(self._below) + len(self._above)
