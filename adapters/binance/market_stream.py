"""What the market streams tell, in order and once: prints without a gap, and the newest top of the book."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from adapters.binance import mapping
from adapters.binance.config import BinanceTiming
from adapters.binance.depth import SpotDepths
from adapters.binance.mapping import LotGrid
from adapters.binance.records import (
    AggTradeRow,
    BookTickerRow,
    DepthRow,
    OtherRecord,
    market_row,
)
from adapters.binance.rest import PAGE, SpotRest
from adapters.binance.wire import MS, AggTradeAnswer, BookTickerAnswer, WireFault
from adapters.common.anomalies import Anomalies
from adapters.common.depth_told import DepthWatch
from engine.model.errors import PortError
from engine.model.market import NANOS
from engine.ports import Clock, Sink

STREAMS = ("aggTrade", "bookTicker")
_MOST_WAITING = 20_000
"""Prints that wait for those that were missed before them."""
_MOST_MISSED = 10 * PAGE
"""So many missed prints are fetched; what is beyond is left to the history."""
_RESTARTED = 1_000_000
"""A number so far below the last one is no repetition: the testnet counts anew after it was wiped."""
_BEHIND_NS = 5 * NANOS
"""What the venue has known for so long, the stream ought to have told."""
_OVERLAP_S = 10.0
"""For so long after a quote an older one counts as a repetition by another connection."""

Others = Callable[[OtherRecord, bytes], None]


class _Told:
    """How far one symbol's streams have told."""

    __slots__ = (
        "at_print",
        "at_quote",
        "bid_ask",
        "differs",
        "filling",
        "grid",
        "known",
        "last",
        "update",
        "waiting",
    )

    def __init__(self, grid: LotGrid, now: float) -> None:
        self.grid = grid
        self.last = -1
        """Number of the newest print; -1 before the first."""
        self.known = False
        """The venue has said how far it has come."""
        self.waiting: dict[int, AggTradeRow] = {}
        self.filling: asyncio.Task[None] | None = None
        self.update = -1
        self.bid_ask = ("", "")
        self.at_quote = self.at_print = now
        self.differs = 0
        """How often in a row the venue has shown another quote than the stream."""

    def differs_from(self, row: BookTickerAnswer) -> bool:
        """Whether a quote by query is another one than the last that was told. Raises ValueError."""
        ticks = self.grid.ticks
        ours = tuple(ticks[text] if text else 0 for text in self.bid_ask)
        return (ticks[row.bid_price], ticks[row.ask_price]) != ours


class MarketStreams:
    """Takes frames of one connection, or of two of which one is about to end."""

    def __init__(
        self,
        symbols: Mapping[str, LotGrid],
        sink: Sink,
        clock: Clock,
        rest: SpotRest,
        timing: BinanceTiming,
        anomalies: Anomalies,
        venue: str,
        depth: DepthWatch | None = None,
    ) -> None:
        """`symbols` are by the venue's own name; `depth` says whose order book is to be told."""
        watch = depth or DepthWatch()
        self.depths = SpotDepths(symbols, watch, rest, sink, clock, anomalies, venue)
        self._time = asyncio.get_running_loop().time
        self._told = {name: _Told(grid, self._time()) for name, grid in symbols.items()}
        self._sink = sink
        self._clock = clock
        self._rest = rest
        self._timing = timing
        self._anomalies = anomalies
        self._venue = venue
        self._heard = 0
        self.missed = 0
        """Prints that were not told and could not be fetched."""
        self.repeated = 0
        """Prints that were told before."""
        self.fetched = 0
        """Prints that were not told and came by query."""

    @property
    def heard(self) -> int:
        """When the last record came, nanoseconds UTC; 0 before the first."""
        return self._heard

    def take(self, frame: bytes, other: Others) -> None:
        """A frame of the combined stream; what is no record of a market goes to `other`."""
        try:
            row = market_row(frame)
            if isinstance(row, AggTradeRow):
                self._trade(row)
            elif isinstance(row, BookTickerRow):
                self._quote(row)
            elif isinstance(row, DepthRow):
                self.depths.take(row)
            elif isinstance(row, OtherRecord):
                other(row, frame)
        except ValueError as error:
            self._anomalies.note("market record", error, frame[:200])

    def prime(self, row: BookTickerAnswer) -> None:
        """A quote by query, before the stream has told any. Raises ValueError."""
        one = self._told.get(row.symbol)
        if one is not None and one.differs_from(row):
            one.bid_ask = (row.bid_price, row.ask_price)
            self._sink(mapping.quote(row.bid_price, row.ask_price, one.grid, self._clock(), self._venue))

    async def begin(self) -> None:
        """Learn how far each symbol has come, where nothing was told yet: whatever is traded from now on is
        to be told. Raises RetryableError.
        """
        for symbol, one in self._told.items():
            if not one.known:
                rows = await self._rest.agg_trades(symbol, -1, 1)
                one.known = True
                one.last = max(one.last, rows[-1].a if rows else -1)

    def resume(self) -> None:
        """Another connection tells from now on: what was traded since the last print that was told is asked
        for, and what comes meanwhile waits for it.
        """
        for symbol, one in self._told.items():
            if one.filling is None:
                self._begin_fill(symbol, one)

    def stop(self) -> None:
        """Nothing is fetched any more."""
        self.depths.stop()
        for one in self._told.values():
            if one.filling is not None:
                one.filling.cancel()

    # -- prints and quotes -------------------------------------------------------------------------------

    def _quote(self, row: BookTickerRow) -> None:
        one, now = self._of(row.s), self._time()
        if row.u <= one.update and now - one.at_quote < _OVERLAP_S:
            return  # told by the other connection, or older
        self._heard = self._clock()
        quote = mapping.stream_quote(row, one.grid, self._heard, self._venue)
        one.update, one.at_quote, one.bid_ask, one.differs = row.u, now, (row.b, row.a), 0
        self._sink(quote)

    def _trade(self, row: AggTradeRow) -> None:
        one = self._of(row.s)
        self._heard, one.at_print = self._clock(), self._time()
        if one.last >= 0 and row.a <= one.last and one.last - row.a < _RESTARTED:
            self.repeated += 1
        elif one.filling is not None:
            self._wait(one, row)
        elif row.a != one.last + 1 and (one.known or one.last >= 0):
            self._wait(one, row)
            self._begin_fill(row.s, one)
        else:
            self._tell(one, row)

    def _wait(self, one: _Told, row: AggTradeRow) -> None:
        if row.a in one.waiting:
            self.repeated += 1
        elif len(one.waiting) < _MOST_WAITING:
            one.waiting[row.a] = row
        else:
            self._anomalies.note("prints", "too many wait for those before them", row.a)

    def _tell(self, one: _Told, row: AggTradeRow | AggTradeAnswer) -> None:
        one.last = row.a
        try:
            self._sink(mapping.market_print(row, one.grid, self._clock(), self._venue))
        except ValueError as error:
            self._anomalies.note("print", error, row.a)

    def _begin_fill(self, symbol: str, one: _Told) -> None:
        one.filling = asyncio.create_task(self._fill(symbol, one), name="binance-missed-prints")

    async def _fill(self, symbol: str, one: _Told) -> None:
        """Fetch what was missed, and let go what waits for it: in order, and each once."""
        begun = one.last
        try:
            async with asyncio.timeout(self._timing.gap_s):
                while one.last - begun < _MOST_MISSED:
                    first = min(one.waiting, default=None)
                    much = one.last >= 0 and first is not None and first > one.last + _MOST_MISSED
                    if much or first == one.last + 1:
                        break
                    rows = await self._rest.agg_trades(symbol, one.last + 1)
                    first = min(one.waiting, default=None)
                    new = [row for row in rows if row.a > one.last and (first is None or row.a < first)]
                    for row in new:
                        self.fetched += 1
                        self._tell(one, row)
                    if not new or (first is None and len(rows) < PAGE):
                        break
        except (PortError, TimeoutError) as error:
            self._anomalies.note("missed prints", error or "no answer in time", symbol)
        finally:
            # What has not come by now is left to the history.
            for number in sorted(one.waiting):
                held = one.waiting[number]
                if number > one.last or one.last - number >= _RESTARTED:
                    self.missed += max(0, number - one.last - 1) if one.last >= 0 else 0
                    self._tell(one, held)
                else:
                    self.repeated += 1
            one.waiting.clear()
            one.filling = None

    def _of(self, symbol: str) -> _Told:
        one = self._told.get(symbol)
        if one is None:
            raise WireFault("a symbol that was not subscribed")
        return one

    # -- silence -----------------------------------------------------------------------------------------

    async def silence(self) -> str:
        """Why the streams must be taken for dead, in words; empty where they have nothing to tell.

        A quiet market tells nothing for minutes, and so does a lost subscription: where one is silent for
        long, the venue is asked what it knows.
        """
        now = self._time()
        for symbol, one in self._told.items():
            if now - min(one.at_quote, one.at_print) < self._timing.silence_s:
                continue
            try:
                if why := await self._lost(symbol, one):
                    return why
            except (PortError, ValueError) as error:
                self._anomalies.note("silent market", error, symbol)
            one.at_quote = max(one.at_quote, now - self._timing.silence_s / 2)
            one.at_print = max(one.at_print, now - self._timing.silence_s / 2)
        return ""

    async def _lost(self, symbol: str, one: _Told) -> str:
        rows = await self._rest.agg_trades(symbol, -1, 1)
        newest = rows[-1] if rows else None
        if newest is not None and newest.a > one.last >= 0 and self._clock() - newest.T * MS > _BEHIND_NS:
            return f"trades of {one.grid.instrument.symbol} do not come though it trades"
        top = await self._rest.top(symbol)
        one.differs = one.differs + 1 if one.differs_from(top) else 0
        if one.differs >= 2:
            return f"quotes of {one.grid.instrument.symbol} do not come though they change"
        return ""
