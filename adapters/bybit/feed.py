"""The market side of Bybit: quotes and prints by stream, minutes by history."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.bybit import mapping
from adapters.bybit.access import BybitAccess
from adapters.bybit.market_stream import BybitMarketStream
from adapters.bybit.wire import BybitWireError
from adapters.common.depth_told import DepthWatch
from adapters.common.json_link import SocketStream
from engine.model.errors import RetryableError
from engine.model.market import Bar, Timeframe
from engine.ports import Sink

_TOLD = (Timeframe.M1, Timeframe.M30)


class BybitFeed:
    """A MarketFeed."""

    def __init__(self, access: BybitAccess) -> None:
        self._access = access
        self._seq = 0
        self._depth = DepthWatch()

    def watch_depth(self, instruments: frozenset[str]) -> None:
        self._depth.watch(instruments)

    async def run(self, sink: Sink) -> None:
        """Stream until cancelled. Raises FatalError when an instrument needs a person."""
        access = self._access
        config = access.config

        def stream() -> SocketStream:
            products = access.told()
            return BybitMarketStream(
                products,
                {root for root in products if not access.paused(root)},
                sink,
                access.clock,
                config.timing,
                access.anomalies,
                self._next_seq,
                config.venue,
                self._depth,
            )

        url = f"{config.hosts.public_url}/{config.category}"
        await access.run_market(sink, url, stream, config.timing.socket, self._depth)

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        """Closed bars that open in [start, end), ns UTC, oldest first.

        Raises RetryableError, RefusedError.
        """
        access = self._access
        product = access.product(instrument)
        if timeframe not in _TOLD:
            return []
        rows = await access.queries.bars(product.instrument, start, end, timeframe)
        now = access.clock()
        try:
            bars = [mapping.bar(row, product, timeframe) for row in rows]
        except BybitWireError as error:
            raise RetryableError(f"history of {instrument}: {error}") from None
        return [bar for bar in bars if bar.close_ts <= now]

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq
