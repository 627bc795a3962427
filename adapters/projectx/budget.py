"""Our own rate limiter: so many requests in any window of time, with a reserve for what protects money."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from engine.model.errors import RetryableError


class Budget:
    """At most `limit * share` requests in any `period_s` seconds, whether the venue's window slides or not.

    Ordinary requests leave the last `reserve` of that to urgent ones (cancels, closes, protective orders)
    and stand back while an urgent one waits. A bucket that refills would allow nearly twice the limit in
    one window after a rest, so the send times themselves are kept.
    """

    def __init__(
        self,
        limit: int,
        period_s: float,
        *,
        share: float,
        reserve: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._period = period_s
        self._urgent_cap = max(1, int(limit * share))
        self._ordinary_cap = max(1, int(self._urgent_cap * (1 - reserve)))
        self._now = now
        self._sleep = sleep
        self._sent: deque[float] = deque()
        self._urgent_waiting = 0
        self._closed_until = float("-inf")

    async def take(self, *, urgent: bool, patience_s: float) -> None:
        """Wait for a place in the window. Raises RetryableError when that would outlast the patience."""
        deadline = self._now() + patience_s
        if urgent:
            self._urgent_waiting += 1
        try:
            while (wait := self._wait(urgent)) > 0:
                if self._now() + wait > deadline:
                    raise RetryableError(
                        f"our own rate limit is used up for {wait:.1f} s: the request was not sent"
                    )
                await self._sleep(wait)
        finally:
            if urgent:
                self._urgent_waiting -= 1
        self._sent.append(self._now())

    def hold(self, seconds: float) -> None:
        """The venue said 429: no ordinary request for so long."""
        self._closed_until = max(self._closed_until, self._now() + seconds)

    def _wait(self, urgent: bool) -> float:
        """Seconds until a request may go; 0 when now."""
        now = self._now()
        sent = self._sent
        while sent and sent[0] <= now - self._period:
            sent.popleft()
        cap = self._urgent_cap if urgent else self._ordinary_cap
        full = sent[len(sent) - cap] + self._period - now if len(sent) >= cap else 0.0
        if urgent:
            return full
        if self._urgent_waiting:
            full = max(full, 0.05)
        return max(full, self._closed_until - now)
