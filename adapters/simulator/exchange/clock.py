"""Practice time: a clock that both ends of the practice venue can compute from the machine's own.

And what shall happen at some instant of it, apart from orders and the market.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass

from engine.ports import Clock

_NEVER = 2**63


@dataclass(frozen=True, slots=True)
class PracticeClock:
    """practice now = origin + (real - real origin) x rate, all in integer nanoseconds.

    Real is what passes on this machine (`adapters/common/steady.py`): nobody sets it. Before the real origin
    it stands still. Venue and engine hold equal values in two processes, so they agree
    on the time without asking.
    """

    origin_ns: int
    real_origin_ns: int
    rate: float = 1.0

    def at(self, real_ns: int) -> int:
        """Practice time at an instant of the real clock."""
        return self.origin_ns + int(max(0, real_ns - self.real_origin_ns) * self.rate)


class Schedule:
    """Calls what is due, in order, whenever it is told that time has passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._waits: set[asyncio.Future[None]] = set()
        self.next = _NEVER
        """When something is due next, nanoseconds UTC."""

    def call_at(self, due: int, action: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._due, (due, self._sequence, action))
        self.next = self._due[0][0]

    def call_after(self, seconds: float, action: Callable[[], None]) -> None:
        self.call_at(self._clock() + round(seconds * 1e9), action)

    async def wait(self, seconds: float) -> None:
        """Wait so many seconds of venue time. Raises CancelledError when the venue closes meanwhile."""
        ended = asyncio.get_running_loop().create_future()
        self._waits.add(ended)
        ended.add_done_callback(self._waits.discard)
        self.call_after(seconds, lambda: _end(ended))
        await ended

    def advance(self, now: int) -> None:
        """Let everything happen that is due until `now`."""
        while self._due and self._due[0][0] <= now:
            _, _, action = heapq.heappop(self._due)
            action()
        self.next = self._due[0][0] if self._due else _NEVER

    def close(self) -> None:
        """Forget everything; who still waits is cancelled."""
        self._due.clear()
        self.next = _NEVER
        for wait in tuple(self._waits):
            wait.cancel()


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
