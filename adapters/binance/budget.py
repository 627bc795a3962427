"""The weight of requests: how much of a minute is used, and who may still go
(docs/protocols/binance_spot.md#limits).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.binance.config import WeightLimits
from adapters.common.rate_budget import Priority
from engine.model.errors import RetryableError

_PROBE_S = 1.0
"""After a 429 what takes risk away is still tried, but no oftener than this: who goes on is banned."""
_BAN_S = 120.0
"""A ban that names no time: so long the first one lasts."""
_LONGEST_S = 3 * 86_400.0


class WeightBudget:
    """Weight that this address has used in the minute of the venue's clock, by the venue's own count where it
    tells it. Times are the loop's; `minute` gives seconds until the venue's next minute begins.
    """

    def __init__(self, limits: WeightLimits, next_minute_s: Callable[[], float]) -> None:
        self._limits = limits
        self._next_minute_s = next_minute_s
        self.most = limits.weight
        """Of a minute, as the venue says it."""
        self._used = 0
        self._ends = 0.0
        self._held_until = 0.0
        self._banned = False
        self._strikes = 0
        self._last = 0.0

    @property
    def limit(self) -> int:
        """What we allow ourselves of a minute."""
        return max(1, int(self.most * self._limits.share))

    def used(self) -> int:
        self._roll()
        return self._used

    def held_s(self) -> float:
        """How long the venue wants to be left alone, seconds."""
        return max(0.0, self._held_until - self._now())

    def told(self, used: str | None) -> None:
        """The venue's own count, as it stands in an answer's header."""
        if used is not None and used.isascii() and used.isdecimal() and len(used) < 10:
            self._roll()
            self._used = max(self._used, int(used))

    def worked(self) -> None:
        """The venue did what it was sent, and no hold lasts: the next 429 is a first one."""
        if self._strikes and not self.held_s():
            self._strikes = 0

    def limited(self, retry_after: str | None, *, banned: bool) -> float:
        """The venue said 429, or 418, which is a ban; gives how long it lasts, seconds."""
        named = retry_after if retry_after and retry_after.isascii() and retry_after.isdecimal() else None
        if named is not None and len(named) < 9:
            pause = min(_LONGEST_S, float(named))
        else:
            holds = self._limits.unnamed_s
            pause = _BAN_S if banned else holds[min(self._strikes, len(holds) - 1)]
        if not self.held_s():
            self._strikes += 1
        self._held_until = max(self._held_until, self._now() + pause)
        self._banned = banned or (self._banned and self.held_s() > 0)
        return self.held_s()

    async def take(self, priority: Priority, weight: int) -> None:
        """Wait until so much weight may go. Raises RetryableError when that would outlast the patience."""
        patience = self._patience(priority)
        deadline = self._now() + patience
        while (wait := self._wait_s(priority, weight)) > 0:
            if self._now() + wait > deadline:
                why = "Binance wants to be left alone" if self.held_s() else "our own weight limit is used up"
                raise RetryableError(f"{why} for {wait:.1f} s: the request was not sent")
            await asyncio.sleep(min(wait, 1.0))
        self._last = self._now()
        self._used += weight

    def _wait_s(self, priority: Priority, weight: int) -> float:
        self._roll()
        if held := self.held_s():
            if self._banned or priority > Priority.VERIFY:
                return held
            return max(0.0, self._last + _PROBE_S - self._now())
        self._banned = False
        if self._used and self._used + weight > self._cap(priority):
            return max(0.001, self._ends - self._now())
        return 0.0

    def _cap(self, priority: Priority) -> int:
        limits = self._limits
        if priority <= Priority.VERIFY:
            return self.limit
        share = {Priority.ENTRY: limits.entry_share, Priority.QUERY: limits.query_share}
        return int(self.limit * share.get(priority, limits.history_share))

    def _patience(self, priority: Priority) -> float:
        limits = self._limits
        if priority <= Priority.VERIFY:
            return limits.urgent_patience_s
        if priority is Priority.HISTORY:
            return limits.history_patience_s
        return limits.entry_patience_s if priority is Priority.ENTRY else limits.read_patience_s

    def _roll(self) -> None:
        now = self._now()
        if now >= self._ends:
            self._used = 0
            self._ends = now + self._next_minute_s()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
