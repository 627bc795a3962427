"""Confirmed swing highs and lows, known only when they can be known
(docs/signals.md#swings).

Bar i is a swing high when its high is the highest of the window [i - S + 1, i + S]: S - 1 bars before it
and S after. The window is that of the reference library, so that results can be compared with it; but a
swing here is given out at the close of bar i + S, never earlier, and it never changes. A bar that is both
counts as a high. The first 2S - 1 bars give none.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct
from msgspec.structs import replace

from engine.model.market import Bar


class Swing(Struct, frozen=True):
    """One confirmed swing. Price in ticks; indices count the bars that the detector has seen.

    Of two of one kind with none of the other kind between them the more extreme stands, or the first.
    """

    kind: int
    """+1 for a high, -1 for a low."""
    price: int
    index: int
    stamp: int
    """Open time of the swing bar."""
    known_index: int
    known_at: int
    """Close time of the bar that confirmed it, nanoseconds UTC."""
    superseded_by: int | None = None
    """Index of the swing that stands instead of this one: it does from its birth."""
    supersedes: int | None = None
    """Index of the swing that stood until this one was known."""
    valid_to: int = 0
    """When another one stood instead of it, nanoseconds UTC; 0 while it stands."""


class SwingDetector:
    """Finds swings of one series, one closed bar at a time."""

    __slots__ = ("_bars", "_highs", "_kept", "_lows", "_seen", "ended", "size")

    def __init__(self, size: int = 5) -> None:
        if size < 1:
            raise ValueError("a swing needs at least one bar on its right")
        self.size = size
        self._bars: deque[Bar] = deque(maxlen=2 * size)
        self._highs: deque[int] = deque(maxlen=2 * size)
        self._lows: deque[int] = deque(maxlen=2 * size)
        self._seen = 0
        self._kept: Swing | None = None
        self.ended: Swing | None = None
        """The swing whose place the newest one took, as it is since then; None where it took none."""

    def add(self, bar: Bar) -> Swing | None:
        """Take a closed bar; gives the swing that its close confirms, if any."""
        self._bars.append(bar)
        self._highs.append(bar.high)
        self._lows.append(bar.low)
        index = self._seen
        self._seen += 1
        size = self.size
        if index < 3 * size - 1:
            return None
        high = self._highs[size - 1]
        if high >= bar.high and high == max(self._highs):
            return self._confirm(1, high, index, bar)
        low = self._lows[size - 1]
        if low <= bar.low and low == min(self._lows):
            return self._confirm(-1, low, index, bar)
        return None

    def _confirm(self, kind: int, price: int, index: int, bar: Bar) -> Swing:
        kept = self._kept if self._kept is not None and self._kept.kind == kind else None
        weaker = kept is not None and kind * price <= kind * kept.price
        rival = None if kept is None else kept.index
        swing = Swing(
            kind,
            price,
            index - self.size,
            self._bars[self.size - 1].open_ts,
            index,
            bar.close_ts,
            superseded_by=rival if weaker else None,
            supersedes=None if weaker else rival,
            valid_to=bar.close_ts if weaker else 0,
        )
        self.ended = None
        if not weaker:
            if kept is not None:
                self.ended = replace(kept, superseded_by=swing.index, valid_to=bar.close_ts)
            self._kept = swing
        return swing
