"""The market side of Binance spot: quotes and prints by stream, bars by query."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from adapters.binance import mapping
from adapters.binance.access import SpotAccess
from adapters.binance.link import SpotLink
from adapters.binance.market_stream import STREAMS, MarketStreams
from adapters.binance.records import OtherRecord
from adapters.binance.socket import SocketLost, SpotSocket
from adapters.binance.wire import read
from adapters.common.depth_told import DepthWatch
from engine.model.errors import RetryableError
from engine.model.events import ContractResolved, LinkChanged, LinkState
from engine.model.market import Bar, Timeframe
from engine.ports import Sink

_ROWS_AT_ONCE = 250
"""History is mapped in pieces, about a millisecond each, so that nothing else on the loop waits for it."""


class BinanceFeed:
    """MarketFeed over the combined stream and the klines call."""

    def __init__(self, venue: SpotAccess) -> None:
        self._venue = venue
        self._depth = DepthWatch()
        self.streams: MarketStreams | None = None
        """What is being told, to be looked at."""

    def watch_depth(self, instruments: frozenset[str]) -> None:
        self._depth.watch(instruments)

    async def run(self, sink: Sink) -> None:
        """Stream until cancelled. Raises FatalError when the symbols need a person."""
        venue, config = self._venue, self._venue.config
        announced: set[str] = set()

        def report(state: LinkState, detail: str, since: int) -> None:
            if state is not LinkState.LIVE:
                self._depth.lost(sink, "the market connection is down", venue.clock(), config.venue)
            sink(
                LinkChanged(
                    ts_recv=venue.clock(),
                    ts_venue=since,
                    link="market",
                    state=state,
                    detail=detail,
                    venue=config.venue,
                )
            )

        async def open_line() -> SpotSocket:
            await venue.symbols.resolve()
            if self.streams is None:
                self.streams = MarketStreams(
                    venue.symbols.grids,
                    sink,
                    venue.clock,
                    venue.rest,
                    config.timing,
                    venue.anomalies,
                    config.venue,
                    self._depth,
                )
            for name, grid in venue.symbols.grids.items():
                if name not in announced:
                    announced.add(name)
                    sink(
                        ContractResolved(
                            ts_recv=venue.clock(),
                            instrument=grid.instrument,
                            contract_id=name,
                            name=grid.instrument.symbol,
                            venue=config.venue,
                        )
                    )
            return await self._connect(self.streams)

        async with venue.opened(sink):
            try:
                await SpotLink(
                    "market streams",
                    config.timing,
                    venue.rng,
                    open_line,
                    report,
                    lambda: self.streams.heard if self.streams is not None else 0,
                    self._silence,
                ).run()
            finally:
                if self.streams is not None:
                    self.streams.stop()
                    self.streams = None

    async def _connect(self, streams: MarketStreams) -> SpotSocket:
        """A connection that carries every stream. Binance says nothing of a stream that does not exist, so it
        is asked which ones it has. Raises SocketLost, RetryableError.
        """
        venue = self._venue
        await streams.begin()
        names = [f"{name.lower()}@{kind}" for name in venue.symbols.grids for kind in STREAMS]
        names += streams.depths.streams
        line: SpotSocket | None = None

        def other(row: OtherRecord, frame: bytes) -> None:
            if line is None:
                return
            if row.id is not None:
                line.answered(row.id, frame)
            elif "serverShutdown" in (row.e, row.stream.lstrip("!")):
                line.leaving = True
            else:
                venue.anomalies.note("market record", "of an unknown kind", frame[:120])

        def receive(frame: bytes) -> None:
            streams.take(frame, other)

        url = f"{venue.config.where.streams}/stream?streams={'/'.join(names)}"
        line = await SpotSocket.connect(url, receive, venue.config.timing)
        try:
            answer = await line.ask({"method": "LIST_SUBSCRIPTIONS"})
            try:
                told = read(read(answer, OtherRecord).result, list[str])
            except ValueError as error:
                raise SocketLost(f"its subscriptions can't be read: {error}") from None
            if missing := sorted(set(names) - set(told)):
                raise SocketLost(f"it does not carry {', '.join(missing)}")
            streams.resume()
            for name in venue.symbols.grids:
                try:
                    streams.prime(await venue.rest.top(name))
                except ValueError as error:
                    venue.anomalies.note("quote", error, name)
            streams.depths.attach(line)
        except BaseException:
            await line.close()
            raise
        return line

    async def _silence(self) -> str:
        return "" if self.streams is None else await self.streams.silence()

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        """Closed bars that open in [start, end), ns UTC, oldest first; none of a length that Binance does not
        have. Raises RetryableError, RefusedError.
        """
        venue = self._venue
        await venue.symbols.ensure()
        name, interval = venue.symbols.name_of(instrument), mapping.INTERVALS.get(timeframe)
        if interval is None:
            return []
        grid = venue.symbols.grids[name]
        rows = await venue.rest.klines(name, interval, start, end)
        now = venue.transport.venue_now()
        bars: list[Bar] = []
        for number, row in enumerate(rows, 1):
            try:
                bar = mapping.bar(row, grid, timeframe)
            except ValueError as error:
                raise RetryableError(f"history of {instrument}: {error}") from None
            if start <= bar.open_ts < end and bar.close_ts <= now:
                bars.append(bar)
            if number % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return bars
