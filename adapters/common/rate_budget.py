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
LONGEST_HOLD_S = 60.0
"""No venue is believed that wants to be left alone for longer."""
_HOLDS_S = (5.0, 15.0, 30.0)
"""After a 429 that names no time: the first, the second in a row, and all further ones."""


class Priority(IntEnum):
    """Who goes first. Each class leaves a part of the budget to those above it."""

    CLOSE = 0
    """What takes risk away: cancels, closes, and the login that they need."""
    PROTECT = 1
    """What guards a position: protective orders and every change of a working order."""
    VERIFY = 2
    """What is read because a close or a stop depends on it."""
    ENTRY = 3
    QUERY = 4
    """Snapshots and all else that is only read."""
    HISTORY = 5


class QueuedRequest(NamedTuple):
    priority: Priority
    number: int
    deadline: float
    turn: asyncio.Future[None]
    who: str


class RateBudget:
    """At most `limit * share` requests in any `period_s` seconds, whether the venue's window slides or not.

    A bucket that refills would allow nearly twice the limit in one window after a rest, so the send times
    themselves are kept. `left_above` is the part of the share that each Priority leaves to those above it,
    all in all; `most` the part that all of one Priority may take. Among equals the first to ask goes first.
    Times are seconds of the running loop's clock.

    Several who share it (`keep_for`) divide what VERIFY leaves to those above it: each has its part of that
    for what closes and protects, whatever the others do, and passes those who have had theirs.
    """

    def __init__(
        self,
        limit: int,
        period_s: float,
        *,
        share: float,
        left_above: dict[Priority, float],
        most: dict[Priority, float] | None = None,
    ) -> None:
        self.limit = max(1, int(limit * share))
        """Requests in a period that we allow ourselves."""
        self.period_s = period_s
        self._caps = {one: max(1, int(self.limit * (1 - left_above.get(one, 0.0)))) for one in Priority}
        self._sent: deque[float] = deque()
        self._own = {
            one: deque[float](maxlen=max(1, int(self.limit * part))) for one, part in (most or {}).items()
        }
        """When the newest of a Priority were sent, as many as a period may have of them."""
        self._kept: dict[str, deque[float]] = {}
        """Who shares it, and when what closes and protects of each was sent, as many as it has places."""
        self._queue: list[QueuedRequest] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._held_from = self._held_until = float("-inf")
        self._strikes = 0

    def used(self) -> int:
        """Requests sent within the last period."""
        self._forget(asyncio.get_running_loop().time())
        return len(self._sent)

    def waiting(self) -> int:
        """Requests that stand in the queue."""
        return sum(not one.turn.done() for one in self._queue)

    def keep_for(self, who: str) -> None:
        """One more who shares it."""
        sharing = list(dict.fromkeys((*self._kept, who)))
        each = max(1, (self.limit - self._caps[Priority.VERIFY]) // len(sharing))
        self._kept = {one: deque(self._kept.get(one, ()), maxlen=each) for one in sharing}

    def allow(self, priority: Priority, least: int) -> None:
        """All of a Priority may take so many in a period, as far as they are left to it by those above."""
        own = self._own.get(priority)
        if own is not None and (own.maxlen or 0) < least:
            self._own[priority] = deque(own, maxlen=least)

    async def take(self, priority: Priority, patience_s: float, who: str = "") -> None:
        """Wait for a place in the window. Raises RetryableError when that would outlast the patience."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        heapq.heappush(
            self._queue, QueuedRequest(priority, next(self._numbers), loop.time() + patience_s, turn, who)
        )
        self._serve(loop)
        try:
            await turn
        except asyncio.CancelledError:
            self._serve(loop)  # whoever stood behind it
            raise

    def limited(self, named_s: float | None) -> float:
        """The venue said 429, and may have named a time: nothing below VERIFY for so long, and that only
        once in a while. Gives what is left of the hold, seconds; what is said again within one changes
        nothing but its end, where one is named.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        pause = None if named_s is None else min(named_s, LONGEST_HOLD_S)
        if not self.held_s():
            pause = _HOLDS_S[min(self._strikes, len(_HOLDS_S) - 1)] if pause is None else pause
            self._held_from = now
            self._strikes += 1
        if pause is not None:
            self._held_until = max(self._held_until, now + pause)
        self._serve(loop)
        return self._held_until - now

    def worked(self, sent_at: float) -> None:
        """The venue did what it was sent at a loop time: a hold from before then is over."""
        if self._strikes and sent_at >= self._held_from:
            self._strikes = 0
            self._held_until = float("-inf")
            self._serve(asyncio.get_running_loop())

    def held_s(self) -> float:
        """How long nothing below VERIFY goes, seconds."""
        return max(0.0, self._held_until - asyncio.get_running_loop().time())

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go whoever may, in order; turn away whoever can't in time; come back when that changes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = loop.time()
        self._forget(now)
        queue = self._queue
        while queue and (queue[0].turn.done() or self._wait(queue[0], now) <= 0):
            first = heapq.heappop(queue)
            if not first.turn.done():
                self._let_go(first, now)
        for one in sorted(queue):
            if not one.turn.done() and self._has_places(one, now) and self._wait(one, now) <= 0:
                self._let_go(one, now)
        for one in queue:
            wait = self._wait(one, now)
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
            waits = [self._wait(one, now) for one in queue if one is queue[0] or self._has_places(one, now)]
            at = min(now + min(waits), *(one.deadline for one in queue))
            self._timer = loop.call_at(max(at, now), self._serve, loop)

    def _let_go(self, one: QueuedRequest, now: float) -> None:
        self._sent.append(now)
        if one.priority in self._own:
            self._own[one.priority].append(now)
        if one.priority <= Priority.PROTECT and one.who in self._kept:
            self._kept[one.who].append(now)
        one.turn.set_result(None)

    def _left(self, who: str, now: float) -> int:
        """Places that one of several has left."""
        taken = self._kept[who]
        return (taken.maxlen or 0) - sum(at > now - self.period_s + _SLACK_S for at in taken)

    def _has_places(self, one: QueuedRequest, now: float) -> bool:
        """Whether it goes on a place that nobody else can take."""
        shared = len(self._kept) > 1 and one.who in self._kept
        return shared and one.priority <= Priority.PROTECT and self._left(one.who, now) > 0

    def _wait(self, one: QueuedRequest, now: float) -> float:
        """Seconds until a request could go if nobody stood before it; 0 or less is now."""
        priority = one.priority
        sent, cap = self._sent, self._caps[priority]
        if len(self._kept) > 1 and priority <= Priority.PROTECT:
            others = sum(self._left(who, now) for who in self._kept if who != one.who)
            cap = self.limit if self._has_places(one, now) else max(1, cap - others)
        full = sent[len(sent) - cap] + self.period_s - now if len(sent) >= cap else 0.0
        own = self._own.get(priority)
        if own is not None and len(own) == own.maxlen:
            full = max(full, own[0] + self.period_s - now)
        if now >= self._held_until:
            return full
        if priority > Priority.VERIFY:
            return max(full, self._held_until - now)
        return max(full, sent[-1] + _PROBE_S - _SLACK_S - now) if sent else full

    def _forget(self, now: float) -> None:
        sent = self._sent
        while sent and sent[0] <= now - self.period_s + _SLACK_S:
            sent.popleft()
