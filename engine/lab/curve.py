"""The equity of a run in few points, of which the deepest fall is exactly that of all of them."""

from __future__ import annotations

from decimal import Decimal

Point = tuple[int, Decimal]
"""Nanoseconds UTC, and USD with open positions at what they could be closed for."""


class Curve:
    """Keeps the high, the low and the last of each stretch of time, in the order in which they came."""

    def __init__(self, start_ts: int, balance_usd: Decimal, stretch_ns: int) -> None:
        self.points: list[Point] = [(start_ts, balance_usd)]
        self._begin = balance_usd
        self._stretch = stretch_ns
        self._ends = start_ts + stretch_ns
        self._taken = 0
        self._high: tuple[int, Point] | None = None
        """With its place among all that were taken."""
        self._low: tuple[int, Point] | None = None
        self._last: tuple[int, Point] | None = None

    def take(self, ts: int, net_usd: Decimal) -> None:
        """What the run has made by a time in nanoseconds UTC, USD."""
        if ts >= self._ends:
            self.turn_over()
            self._ends = ts - ts % self._stretch + self._stretch
        self._taken += 1
        usd = self._begin + net_usd
        last = self._last = self._taken, (ts, usd)
        if self._high is None or usd > self._high[1][1]:
            self._high = last
        if self._low is None or usd < self._low[1][1]:
            self._low = last

    def turn_over(self) -> None:
        """Write down what the stretch under way has come to."""
        found = {place for place in (self._high, self._low, self._last) if place is not None}
        self.points += [point for _, point in sorted(found)]
        self._high = self._low = self._last = None
