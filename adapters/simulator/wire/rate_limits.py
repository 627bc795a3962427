"""How often the platform may be asked (docs/protocols/projectx.md#limits)."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from adapters.simulator.exchange.hours import NANOS


class Limit(Struct, frozen=True):
    """So many requests within so many nanoseconds."""

    requests: int
    window_ns: int


REST = Limit(200, 60 * NANOS)
BARS = Limit(50, 30 * NANOS)


class Gauge:
    """Counts requests in a sliding window."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._taken: deque[int] = deque()

    def take(self, now: int) -> bool:
        """Count a request; False if it is one too many, which is not counted."""
        taken = self._taken
        while taken and taken[0] <= now - self.limit.window_ns:
            taken.popleft()
        if len(taken) >= self.limit.requests:
            return False
        taken.append(now)
        return True

    def retry_after_ns(self, now: int) -> int:
        """Time until the next request would pass."""
        return max(0, self._taken[0] + self.limit.window_ns - now) if self._taken else 0
