"""Breaks of structure on the running trend (docs/signals.md#breaks-of-structure).

At the close of a bar beyond the latest confirmed swing that is not broken yet: a break of structure (BOS)
if the trend already points that way, a change of character (CHoCH) if not; either sets the trend. Known
at that close, never rewritten.
"""

from __future__ import annotations

from msgspec import Struct

from engine.model.market import Bar
from engine.signals.swings import Swing


class Break(Struct, frozen=True):
    """One close through a swing. Level in ticks."""

    label: str
    """"BOS" or "CHoCH"."""
    direction: int
    swing: Swing
    index: int
    stamp: int
    """Open time of the breaking bar."""
    known_at: int
    """Its close time, nanoseconds UTC."""

    @property
    def level(self) -> int:
        return self.swing.price


class Structure:
    """Follows the trend of one series. Feed the swing that a bar confirms before the bar itself."""

    __slots__ = ("_high", "_low", "_seen", "trend")

    def __init__(self) -> None:
        self.trend = 0
        """+1, -1, or 0 before the first break."""
        self._high: Swing | None = None
        self._low: Swing | None = None
        self._seen = 0

    def add(self, bar: Bar, confirmed: Swing | None = None) -> Break | None:
        """Take a closed bar, and the swing that its close confirmed; gives the break it made, if any."""
        index = self._seen
        self._seen += 1
        if confirmed is not None:
            if confirmed.kind > 0:
                self._high = confirmed
            else:
                self._low = confirmed
        if self._high is not None and bar.close > self._high.price:
            broken, self._high = self._high, None
            return self._broke(1, broken, index, bar)
        if self._low is not None and bar.close < self._low.price:
            broken, self._low = self._low, None
            return self._broke(-1, broken, index, bar)
        return None

    def _broke(self, direction: int, swing: Swing, index: int, bar: Bar) -> Break:
        label = "BOS" if self.trend == direction else "CHoCH"
        self.trend = direction
        return Break(label, direction, swing, index, bar.open_ts, bar.close_ts)
