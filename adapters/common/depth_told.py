"""Order books on their way to the engine: of what is looked at alone, not oftener than anybody can look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from engine.model.events import Depth
from engine.ports import Sink

EVERY_S = 0.05
"""A book is told so often at most, real seconds: the newest, and the last change is never left out."""

MOST_RESYNCS = 5
"""A book that breaks so often is left alone until the engine asks for it anew, as it does now and then."""


class DepthWatch:
    """What a feed is asked to tell the books of; over all its connections."""

    def __init__(self) -> None:
        self.wanted: frozenset[str] = frozenset()
        """Instruments."""
        self.changed: Callable[[], None] = lambda: None
        """Called when it has become another; of the newest connection."""

    def watch(self, instruments: frozenset[str]) -> None:
        if instruments != self.wanted:
            self.wanted = instruments
            self.changed()

    def lost(self, sink: Sink, why: str, ts: int, venue: str) -> None:
        """No book that is looked at is the venue's any more."""
        for instrument in sorted(self.wanted):
            sink(broken_book(instrument, why, ts, venue))


def broken_book(instrument: str, why: str, ts: int, venue: str) -> Depth:
    return Depth(ts_recv=ts, instrument=instrument, bids=(), asks=(), venue=venue, broken=why)


class DepthTeller:
    """Of one connection. `build` gives the book of an instrument as it stands."""

    def __init__(self, watch: DepthWatch, build: Callable[[str], Depth | None], sink: Sink) -> None:
        self.watch = watch
        self._build = build
        self._sink = sink
        self._time = asyncio.get_running_loop().time
        self._told: dict[str, float] = {}
        self._due: dict[str, asyncio.TimerHandle] = {}

    def changed(self, instrument: str) -> None:
        """A book has changed; nothing happens where nobody looks at it."""
        if instrument not in self.watch.wanted or instrument in self._due:
            return
        wait = self._told.get(instrument, -1e9) + EVERY_S - self._time()
        if wait <= 0:
            self._tell(instrument)
        else:
            loop = asyncio.get_running_loop()
            self._due[instrument] = loop.call_later(wait, self._tell, instrument)

    def all(self, instruments: Iterable[str]) -> None:
        """Tell these now, as far as somebody looks at them."""
        for instrument in instruments:
            self.changed(instrument)

    def _tell(self, instrument: str) -> None:
        self._due.pop(instrument, None)
        self._told[instrument] = self._time()
        if instrument in self.watch.wanted and (depth := self._build(instrument)) is not None:
            self._sink(depth)

    def broken(self, instrument: str, why: str, ts: int, venue: str) -> None:
        """What is known of one is not the venue's book any more."""
        waiting = self._due.pop(instrument, None)
        if waiting is not None:
            waiting.cancel()
        if instrument in self.watch.wanted:
            self._sink(broken_book(instrument, why, ts, venue))

    def stop(self) -> None:
        for waiting in self._due.values():
            waiting.cancel()
        self._due.clear()
