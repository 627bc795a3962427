"""Pauses between attempts, and how often something may be done. Times are seconds of one monotone clock."""

from __future__ import annotations

import random


class Backoff:
    """Pauses between failed attempts: doubling to a cap, half of each by chance."""

    def __init__(
        self, first_s: float, cap_s: float, rng: random.Random | None = None, *, at_once: bool = False
    ) -> None:
        """With `at_once` the first attempt waits for nothing; else each pause follows a failure."""
        self._first_s = first_s
        self._cap_s = cap_s
        self._rng = rng if rng is not None else random.Random()
        self._free = int(at_once)
        self._failures = 0

    def pause_s(self) -> float:
        """Until the next attempt; asked once for each."""
        doublings, self._failures = self._failures - self._free, self._failures + 1
        if doublings < 0:
            return 0.0
        longest = min(self._cap_s, self._first_s * 2.0 ** min(doublings, 16))
        return longest * (0.5 + self._rng.random() / 2)

    def worked(self) -> None:
        """The next failure is a first one."""
        self._failures = 0

    def held(self, seconds: float) -> None:
        """A connection has ended that stood for so long: one that outlasted the cap has worked."""
        if seconds > self._cap_s:
            self._failures = 0


class TokenBucket:
    """So many at once after a rest, then one each `refill_s` seconds."""

    def __init__(self, size: int, refill_s: float) -> None:
        self._size = float(size)
        self._refill_s = refill_s
        self._tokens = self._size
        self._filled_at = 0.0

    def wait_s(self, now: float) -> float:
        """Until the next one may be done; 0 is now."""
        self._fill(now)
        return max(0.0, (1 - self._tokens) * self._refill_s)

    def take(self, now: float) -> None:
        """One is done, whether its time had come or not."""
        self._fill(now)
        self._tokens = max(0.0, self._tokens - 1)

    def _fill(self, now: float) -> None:
        self._tokens = min(self._size, self._tokens + max(0.0, now - self._filled_at) / self._refill_s)
        self._filled_at = now
