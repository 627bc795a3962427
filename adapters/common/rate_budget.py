"""Our own rate limiter: so many requests in any window of time, and who goes first when they are scarce."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from enum import IntEnum
from itertools import count
from typing import NamedTuple

from engine.model.errors import RetryableError

_SLACK_S = 1e-6
"""A place counts as free this much early, so that rounding can't make it wait for nothing."""
_PROBE_S = 0.25
"""After a 429 what takes risk away is still tried, but no oftener than this."""


class Priority(IntEnum):
    """Who goes first. Each class leaves a part of the budget to those above it."""

    CLOSE = 0
    """What takes risk away: cancels, closes, and the login that they need."""
    PROTECT = 1
    """What guards a position: protective orders and every change of a working order."""
    ENTRY = 2
    QUERY = 3
    """Snapshots and all else that is only read."""
    HISTORY = 4


class Waiting(NamedTuple):
    priority: Priority
    number: int
    deadline: float
    turn: asyncio.Future[None]


class RateBudget:
    """At most `limit * share` requests in any `period_s` seconds, whether the venue's window slides or not.

    A bucket that refills would allow nearly twice the limit in one window after a rest, so the send times
    themselves are kept. `left_above` is the part of the share that each Priority leaves to those above it,
    all in all. Among equals the first to ask goes first. Times are seconds of the running loop's clock.
    """

    def __init__(
        self, limit: int, period_s: float, *, share: float, left_above: dict[Priority, float]
    ) -> None:
        self.limit = max(1, int(limit * share))
        """Requests in a period that we allow ourselves."""
        self.period_s = period_s
        self._caps = {one: max(1, int(self.limit * (1 - left_above.get(one, 0.0)))) for one in Priority}
        self._sent: deque[float] = deque()
        self._queue: list[Waiting] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._held_until = float("-inf")

    def used(self) -> int:
        """Requests sent within the last period."""
        self._forget(asyncio.get_running_loop().time())
        return len(self._sent)

    def waiting(self) -> int:
        """Requests that stand in the queue."""
        return sum(not one.turn.done() for one in self._queue)

    async def take(self, priority: Priority, patience_s: float) -> None:
        """Wait for a place in the window. Raises RetryableError when that would outlast the patience."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._queue, Waiting(priority, next(self._numbers), loop.time() + patience_s, turn))
        self._serve(loop)
        try:
            await turn
        except asyncio.CancelledError:
            self._serve(loop)  # whoever stood behind it
            raise

    def hold(self, seconds: float) -> None:
        """The venue said 429: nothing below PROTECT for so long, and that only once in a while."""
        loop = asyncio.get_running_loop()
        self._held_until = max(self._held_until, loop.time() + seconds)
        self._serve(loop)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go whoever may, in order; turn away whoever can't in time; come back when that changes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = loop.time()
        self._forget(now)
        queue = self._queue
        while queue and (queue[0].turn.done() or self._wait(queue[0].priority, now) <= 0):
            first = heapq.heappop(queue)
            if not first.turn.done():
                self._sent.append(now)
                first.turn.set_result(None)
        for one in queue:
            wait = self._wait(one.priority, now)
            if not one.turn.done() and (one.deadline <= now or now + wait > one.deadline):
                one.turn.set_exception(
                    RetryableError(
                        f"our own rate limit is used up for {max(wait, 0):.1f} s: the request was not sent"
                    )
                )
        left = [one for one in queue if not one.turn.done()]
        if len(left) < len(queue):
            heapq.heapify(left)
            self._queue = queue = left
        if queue:
            at = min(now + self._wait(queue[0].priority, now), *(one.deadline for one in queue))
            self._timer = loop.call_at(max(at, now), self._serve, loop)

    def _wait(self, priority: Priority, now: float) -> float:
        """Seconds until a request could go if nobody stood before it; 0 or less is now."""
        sent, cap = self._sent, self._caps[priority]
        full = sent[len(sent) - cap] + self.period_s - now if len(sent) >= cap else 0.0
        if now >= self._held_until:
            return full
        if priority > Priority.PROTECT:
            return max(full, self._held_until - now)
        return max(full, sent[-1] + _PROBE_S - _SLACK_S - now) if sent else full

    def _forget(self, now: float) -> None:
        sent = self._sent
        while sent and sent[0] <= now - self.period_s + _SLACK_S:
            sent.popleft()
