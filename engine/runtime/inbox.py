"""Where events wait for the core: orders and commands before the market, and of quotes only the newest."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from engine.model.events import (
    AnyEvent,
    ContractResolved,
    Depth,
    HeldPriced,
    HistoryLoaded,
    LinkChanged,
    Print,
    Quote,
    TimeAdvanced,
)

COALESCE_ABOVE = 500
"""Waiting market events beyond which a newer quote of a contract replaces the one that waits."""

WAITS_KEPT = 4_000

TURNS = 20
"""Who lets events go first lets the core have so many turns at most: some milliseconds, in a flood too."""

_MARKET = frozenset({Print, HeldPriced, HistoryLoaded, ContractResolved, TimeAdvanced})
"""Events whose order among the prints decides what a bar holds."""


class Inbox:
    """One consumer, many producers on one event loop. Times are seconds of that loop's clock.

    Two lanes, each in the order of arrival. What concerns orders, fills, accounts and commands never waits
    behind the market. In the market's lane quotes give way under load: those that wait apart come when all
    else has been taken, so that none runs ahead of the prints of its own minute. Of an order book only the
    newest waits, and behind everything. Nothing but an older quote or book is ever dropped.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._urgent: deque[tuple[float, AnyEvent]] = deque()
        self._events: deque[tuple[float, AnyEvent]] = deque()
        self._late_quotes: dict[str, tuple[float, AnyEvent]] = {}
        self._depths: dict[tuple[str, str], tuple[float, AnyEvent]] = {}
        self._arrived = asyncio.Event()
        self.waits: deque[float] = deque(maxlen=WAITS_KEPT)
        """Seconds that the newest events have waited."""
        self.dropped = 0
        """Quotes and books that a newer one replaced."""

    def __len__(self) -> int:
        waiting = len(self._urgent) + len(self._events)
        return waiting + len(self._late_quotes) + len(self._depths)

    def post(self, event: AnyEvent) -> None:
        """Take an event in; never blocks. Call it on the loop's own thread."""
        entry = self._seconds(), event
        if isinstance(event, Quote):
            # Behind a quote that waits apart, a newer one may not go ahead of it: it takes its place.
            symbol = event.instrument
            if symbol in self._late_quotes:
                self.dropped += 1
                self._late_quotes[symbol] = entry
            elif len(self._events) > COALESCE_ABOVE:
                self._late_quotes[symbol] = entry
            else:
                self._events.append(entry)
        elif isinstance(event, Depth):
            book = event.venue, event.instrument
            self.dropped += self._depths.pop(book, None) is not None
            self._depths[book] = entry
        elif type(event) in _MARKET or (isinstance(event, LinkChanged) and event.link == "market"):
            self._events.append(entry)
        else:
            self._urgent.append(entry)
        self._arrived.set()

    def take(self) -> AnyEvent | None:
        """The next event, or None when nothing waits."""
        if self._urgent:
            posted, event = self._urgent.popleft()
        elif self._events:
            posted, event = self._events.popleft()
        elif self._late_quotes:
            posted, event = self._late_quotes.pop(next(iter(self._late_quotes)))
        elif self._depths:
            return self._depths.pop(next(iter(self._depths)))[1]  # its wait is meant, and nobody's measure
        else:
            return None
        self.waits.append(self._seconds() - posted)
        return event

    async def wait(self, seconds: float) -> None:
        """Until something waits, or so many seconds are over."""
        self._arrived.clear()
        if len(self):
            return
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._arrived.wait()
        except TimeoutError:
            return

    async def taken(self) -> None:
        """Until nothing waits, what has come to the loop's sockets by now included; never for long."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if not len(self):
                return

    def wait_p99_ms(self) -> float:
        """99th percentile of the newest waits, milliseconds."""
        ordered = sorted(self.waits)
        return 1000 * ordered[len(ordered) * 99 // 100] if ordered else 0.0
