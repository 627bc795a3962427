"""How often we may connect to Discord's gateway and log in there."""

from __future__ import annotations

import asyncio
import random

from adapters.common.pacing import Backoff, TokenBucket
from adapters.discord.config import DiscordTiming

_LOGINS = 60
"""Logins that may follow each other quickly."""

_LOGIN_REFILL_S = 96.0
"""Then one so often: 900 a day on top. At 1,000 a day Discord resets the bot's token."""


class ConnectionPacing:
    """Lasts over all connections of one run."""

    def __init__(self, timing: DiscordTiming, rng: random.Random) -> None:
        self._timing = timing
        self._backoff = Backoff(timing.backoff_first_s, timing.backoff_cap_s, rng, at_once=True)
        self._live_since: float | None = None
        self._logins = TokenBucket(_LOGINS, _LOGIN_REFILL_S)
        self._logged_in_at = float("-inf")

    def went_live(self) -> None:
        if self._live_since is None:
            self._live_since = asyncio.get_running_loop().time()

    def lost(self) -> None:
        """The connection ended. One that was good for a while makes the next attempt a first one."""
        if self._live_since is not None:
            self._backoff.held(asyncio.get_running_loop().time() - self._live_since)
        self._live_since = None

    def pause_s(self) -> float:
        """Seconds until the next attempt: none at first, then longer with each that failed."""
        return self._backoff.pause_s()

    async def before_login(self) -> None:
        """Until one more login at the gateway is within Discord's limits."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        gap_s = self._logged_in_at + self._timing.identify_gap_s - now
        if (wait_s := max(gap_s, self._logins.wait_s(now))) > 0:
            await asyncio.sleep(wait_s)
        self._logins.take(loop.time())
        self._logged_in_at = loop.time()
