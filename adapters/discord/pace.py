"""How often we may knock at Discord's gateway."""

from __future__ import annotations

import asyncio
import random

from adapters.discord.config import Timing

_BURST = 60
"""Logins that may follow each other quickly."""

_REFILL_S = 96.0
"""Then one so often: 900 a day on top. At 1,000 a day Discord resets the bot's token."""


class Pace:
    """Lasts over all connections of one run."""

    def __init__(self, timing: Timing, rng: random.Random) -> None:
        self._timing = timing
        self._rng = rng
        self._failures = 0
        self._live_since: float | None = None
        self._allowed = float(_BURST)
        self._counted_at = 0.0
        self._identified_at = float("-inf")

    def went_live(self) -> None:
        if self._live_since is None:
            self._live_since = asyncio.get_running_loop().time()

    def lost(self) -> None:
        """The connection ended. One that was good for a while makes the next attempt a first one."""
        now = asyncio.get_running_loop().time()
        if self._live_since is not None and now - self._live_since > self._timing.backoff_cap_s:
            self._failures = 0
        self._live_since = None

    def delay(self) -> float:
        """Seconds until the next attempt: none at first, then doubling to a cap, half of it by chance."""
        failures, self._failures = self._failures, self._failures + 1
        if not failures:
            return 0.0
        longest = min(self._timing.backoff_cap_s, self._timing.backoff_first_s * 2.0 ** min(failures - 1, 16))
        return longest * (0.5 + self._rng.random() / 2)

    async def before_login(self) -> None:
        """Until one more login at the gateway is within Discord's limits."""
        loop = asyncio.get_running_loop()
        if (wait := self._wait(loop.time())) > 0:
            await asyncio.sleep(wait)
            self._wait(loop.time())
        self._allowed -= 1
        self._identified_at = loop.time()

    def _wait(self, now: float) -> float:
        self._allowed = min(_BURST, self._allowed + (now - self._counted_at) / _REFILL_S)
        self._counted_at = now
        gap = self._identified_at + self._timing.identify_gap_s - now
        return max(gap, (1 - self._allowed) * _REFILL_S)
