"""The market side of Kraken Futures: quotes and prints by stream, minutes and half hours by history."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from adapters.common.depth_told import DepthWatch
from adapters.common.json_link import JsonLink, SocketStream
from adapters.kraken import mapping
from adapters.kraken.access import KrakenAccess
from adapters.kraken.candles import Charts
from adapters.kraken.mapping import ProductGrid
from adapters.kraken.market_stream import KrakenMarketStream
from adapters.kraken.v1_stream import V1MarketStream
from adapters.kraken.wire import KrakenWireError
from engine.model.errors import RefusedError, RetryableError
from engine.model.events import LinkChanged, LinkState
from engine.model.market import Bar, Timeframe
from engine.ports import Sink

_log = logging.getLogger(__name__)

INTERVALS = {
    Timeframe.M1: 1,
    Timeframe.M5: 5,
    Timeframe.M15: 15,
    Timeframe.M30: 30,
    Timeframe.H1: 60,
    Timeframe.H4: 240,
}
"""Bars that the socket has, in minutes."""


class KrakenFeed:
    """MarketFeed over the public socket and the charts."""

    def __init__(self, access: KrakenAccess) -> None:
        self._access = access
        self._charts = Charts(access.config, access.http, access.anomalies)
        self._newest: dict[str, int] = {}
        """Last trade of each product, by the venue's symbol."""
        self._announced = False
        self._depth = DepthWatch()
        self._stream: KrakenMarketStream | None = None
        """Of the newest connection of v2."""
        self._grids = {symbol: ProductGrid(one) for symbol, one in access.listed.ours.items()}

    def watch_depth(self, instruments: frozenset[str]) -> None:
        self._depth.watch(instruments)

    async def run(self, sink: Sink) -> None:
        """Stream until cancelled. Raises FatalError for instruments that are not as the venue lists them."""
        access = self._access
        config, timing = access.config, access.config.timing

        def report(state: LinkState, detail: str) -> None:
            if state is not LinkState.LIVE:
                self._depth.lost(sink, "the market connection is down", access.clock(), config.venue)
            sink(
                LinkChanged(
                    ts_recv=access.clock(), link="market", state=state, detail=detail, venue=config.venue
                )
            )

        def resolved() -> None:
            if not self._announced:
                self._announced = True
                for event in access.listed.resolved(access.clock(), config.venue):
                    sink(event)

        async def make_stream() -> SocketStream:
            if config.protocol == "v1":
                access.listed.learn_v1((await self._charts.instruments()).instruments)
                access.listed.check()
                resolved()
                return V1MarketStream(
                    access.listed,
                    self._newest,
                    sink,
                    access.clock,
                    timing,
                    access.anomalies,
                    config.venue,
                    self._depth,
                )
            self._stream = KrakenMarketStream(
                access.listed,
                self._newest,
                resolved,
                sink,
                access.clock,
                timing,
                access.anomalies,
                config.venue,
                self._depth,
            )
            return self._stream

        self._announced = False
        v1 = config.protocol == "v1"
        url = config.v1_url if v1 else config.public_url
        sockets = access.sockets(timing.v1_dead_s if v1 else None)
        async with access.opened():
            await JsonLink("market", url, make_stream, report, sockets, access.rng).run()

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        """Closed bars that open in [start, end), ns UTC, oldest first. Raises RetryableError, RefusedError.

        Where the charts are no more, as they may be after 1 March 2027, it is what the socket shows of the
        past, which may be less.
        """
        access = self._access
        symbol = access.listed.symbol_of(instrument)
        grid = self._grids[symbol]
        try:
            bars = await self._charts.bars(symbol, grid, start, end, timeframe)
        except RefusedError as error:
            _log.warning("the charts give no history, the socket is asked instead: %s", error)
            bars = await self._shown(symbol, grid, timeframe)
        now = access.clock()
        return [bar for bar in bars if start <= bar.open_ts < end and bar.close_ts <= now]

    async def _shown(self, symbol: str, grid: ProductGrid, timeframe: Timeframe) -> list[Bar]:
        """What the socket shows of the past. Raises RetryableError, RefusedError."""
        minutes = INTERVALS.get(timeframe)
        if minutes is None:
            return []
        if self._stream is None:
            raise RetryableError("there is no connection that shows history")
        bars = []
        for row in await self._stream.candles(symbol, minutes):
            try:
                bars.append(mapping.uws_candle(row, grid, timeframe))
            except KrakenWireError as error:
                self._access.anomalies.note("candle", error, symbol)
        return sorted(bars, key=lambda bar: bar.open_ts)
