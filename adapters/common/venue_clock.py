"""How far a venue's clock is from ours: signed requests carry its time, not ours."""

from __future__ import annotations

from collections import deque

from engine.model.market import NANOS
from engine.ports import Clock

_KEPT = 8


class VenueClock:
    """The venue's time, from how its answers compare with our clock. Of the newest answers the quickest
    counts: what it says is the least blurred by the way.
    """

    def __init__(self, clock: Clock, speed: float = 1.0) -> None:
        """`speed` is how fast both clocks run against real time."""
        self._clock = clock
        self._speed = speed
        self._seen: deque[tuple[float, int]] = deque(maxlen=_KEPT)
        """(Seconds that an answer took, by how much the venue is ahead of us in nanoseconds)."""

    @property
    def known(self) -> bool:
        return bool(self._seen)

    @property
    def ahead_ns(self) -> int:
        """By how much the venue's clock is ahead of ours, nanoseconds; 0 where it has not been asked."""
        return min(self._seen)[1] if self._seen else 0

    def told(self, theirs: int, took_s: float) -> None:
        """Just now came an answer that took so many real seconds and shows the venue's time, nanoseconds
        UTC.
        """
        middle = self._clock() - int(took_s * self._speed * NANOS / 2)
        self._seen.append((took_s, theirs - middle))

    def forget(self) -> None:
        """What was measured does not hold any more: one of the clocks was set."""
        self._seen.clear()

    def now(self) -> int:
        """What the venue's clock shows, nanoseconds UTC."""
        return self._clock() + self.ahead_ns
