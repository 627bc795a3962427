"""Order books of Binance spot: changes by stream onto a snapshot (docs/protocols/binance_spot.md#streams).

Changes are numbered: each begins with the number after the last one of the change before it. Where one is
missing the book is built anew, from another snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

from adapters.binance.mapping import LotGrid
from adapters.binance.records import DepthRow
from adapters.binance.rest import SpotRest
from adapters.binance.socket import SocketLost, SpotSocket
from adapters.binance.wire import MS, DepthAnswer
from adapters.common.anomalies import Anomalies
from adapters.common.book_side import BookSide
from adapters.common.depth_told import MOST_RESYNCS, DepthTeller, DepthWatch
from engine.model.errors import PortError
from engine.model.events import Depth
from engine.model.market import DEPTH_LEVELS
from engine.ports import Clock, Sink

_MOST_WAITING = 2_000
"""Changes that wait for their snapshot."""
_MOST_LEVELS = 5_000
_FIRST_S = 0.3
"""So long changes are gathered before a snapshot is asked for, which then is newer than the first of them."""


class Gap(Exception):
    """A change is missing before the one that came."""


class SpotDepth:
    """One symbol's book. Pure."""

    def __init__(self, grid: LotGrid, venue: str) -> None:
        self._grid = grid
        self._venue = venue
        self.bids = BookSide(highest_first=True)
        self.asks = BookSide(highest_first=False)
        self.last = -1
        """Number of the newest change; -1 before a snapshot."""
        self.waiting: list[DepthRow] = []
        self._ts = 0
        self.resyncs = 0

    def take(self, row: DepthRow) -> bool:
        """A change. False where it waits, or was told before. Raises Gap, ValueError."""
        if self.last < 0:
            if len(self.waiting) < _MOST_WAITING:
                self.waiting.append(row)
            return False
        if row.u <= self.last:
            return False
        if self.last + 1 < row.U:
            missing = row.U - self.last - 1
            self.last = -1
            self.waiting = [row]
            raise Gap(f"{missing} changes of it are missing")
        for side, levels in ((self.bids, row.b), (self.asks, row.a)):
            for price, size in levels:
                side.set(self._grid.ticks[price], self._grid.lots[size])
            if len(side) > _MOST_LEVELS:
                side.keep(_MOST_LEVELS)
        self.last, self._ts = row.u, row.E * MS
        return True

    def snapshot(self, row: DepthAnswer) -> bool:
        """The whole book, and onto it what waits. False where that begins too late. Raises ValueError."""
        if self.waiting and row.lastUpdateId + 1 < self.waiting[0].U:
            return False
        ticks, lots = self._grid.ticks, self._grid.lots
        self.bids.load([(ticks[price], lots[size]) for price, size in row.bids])
        self.asks.load([(ticks[price], lots[size]) for price, size in row.asks])
        self.last = row.lastUpdateId
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            self.take(one)
        return True

    def begin_anew(self) -> None:
        self.last = -1
        self.waiting = []

    def told(self, ts_recv: int) -> Depth | None:
        """None before there is a snapshot."""
        if self.last < 0:
            return None
        return Depth(
            ts_recv=ts_recv,
            ts_venue=self._ts,
            instrument=self._grid.instrument.symbol,
            bids=self.bids.levels(DEPTH_LEVELS),
            asks=self.asks.levels(DEPTH_LEVELS),
            venue=self._venue,
            resyncs=self.resyncs,
        )


class SpotDepths:
    """The books that somebody looks at, over all connections."""

    def __init__(
        self,
        symbols: Mapping[str, LotGrid],
        watch: DepthWatch,
        rest: SpotRest,
        sink: Sink,
        clock: Clock,
        anomalies: Anomalies,
        venue: str,
    ) -> None:
        """`symbols` are by the venue's own name."""
        self._grids = symbols
        self._names = {grid.instrument.symbol: name for name, grid in symbols.items()}
        self._rest, self._clock, self._anomalies, self._venue = rest, clock, anomalies, venue
        self._books: dict[str, SpotDepth] = {}
        self._filling: set[str] = set()
        self._line: SpotSocket | None = None
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch = watch
        self._teller = DepthTeller(watch, self._told, sink)
        watch.changed = self._look

    @property
    def streams(self) -> list[str]:
        """Those that a new connection carries from its beginning."""
        return [_stream(name) for name in self._books]

    def attach(self, line: SpotSocket) -> None:
        """A connection tells from now on; books go on where it has what follows on them."""
        self._line = line
        for name, book in self._books.items():
            book.begin_anew()
            self._soon(self._fill(name))
        self._look()

    def stop(self) -> None:
        self._watch.changed = lambda: None
        self._teller.stop()
        for task in self._tasks:
            task.cancel()

    def take(self, row: DepthRow) -> None:
        """Raises ValueError."""
        book = self._books.get(row.s)
        if book is None:
            return
        try:
            if book.take(row):
                self._teller.changed(self._grids[row.s].instrument.symbol)
        except Gap as gap:
            self._again(row.s, book, str(gap))

    def _again(self, name: str, book: SpotDepth, why: str) -> None:
        book.resyncs += 1
        self._anomalies.note("order book", why, name)
        symbol = self._grids[name].instrument.symbol
        self._teller.broken(symbol, f"{why}: it is asked for anew", self._clock(), self._venue)
        if book.resyncs <= MOST_RESYNCS:
            self._soon(self._fill(name))

    def _look(self) -> None:
        self._soon(self._subscribe())

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="binance-depth")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _subscribe(self) -> None:
        async with self._lock:
            line = self._line
            wanted = {self._names[one] for one in self._watch.wanted if one in self._names}
            gone, new = self._books.keys() - wanted, wanted - self._books.keys()
            for name in gone:
                del self._books[name]
            for name in new:
                self._books[name] = SpotDepth(self._grids[name], self._venue)
            if line is None:
                return
            with suppress(SocketLost):  # the link has noticed
                for method, names in (("UNSUBSCRIBE", gone), ("SUBSCRIBE", new)):
                    if names:
                        await line.ask({"method": method, "params": sorted(map(_stream, names))})
            for name in new:
                self._soon(self._fill(name))

    async def _fill(self, name: str) -> None:
        """Ask for the snapshot of a book that has none."""
        if name in self._filling:
            return
        self._filling.add(name)
        try:
            for _ in range(MOST_RESYNCS):
                await asyncio.sleep(_FIRST_S)
                book = self._books.get(name)
                if book is None or book.last >= 0:
                    return
                row = await self._rest.depth(name)
                with suppress(Gap):  # among what has waited for it: once more
                    if book.snapshot(row):
                        self._teller.changed(self._grids[name].instrument.symbol)
                        return
        except (PortError, ValueError) as error:
            self._anomalies.note("order book", error, name)
            why = f"it can't be asked for: {error}"
            self._teller.broken(self._grids[name].instrument.symbol, why, self._clock(), self._venue)
        finally:
            self._filling.discard(name)

    def _told(self, symbol: str) -> Depth | None:
        book = self._books.get(self._names.get(symbol, ""))
        return None if book is None else book.told(self._clock())


def _stream(name: str) -> str:
    return f"{name.lower()}@depth@100ms"
