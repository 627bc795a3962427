"""The market side of Coinbase: quotes and prints by stream, minutes by history."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.coinbase import mapping
from adapters.coinbase.access import CoinbaseAccess
from adapters.coinbase.market_stream import CoinbaseMarketStream
from adapters.coinbase.queries import GRANULARITY
from adapters.coinbase.wire import CoinbaseWireError
from adapters.common.depth_told import DepthWatch
from adapters.common.json_link import SocketStream
from engine.model.errors import RetryableError
from engine.model.market import Bar, Timeframe
from engine.ports import Sink


class CoinbaseFeed:
    """A MarketFeed."""

    def __init__(self, access: CoinbaseAccess) -> None:
        self._access = access
        self._seq = 0
        self._depth = DepthWatch()

    def watch_depth(self, instruments: frozenset[str]) -> None:
        self._depth.watch(instruments)

    async def run(self, sink: Sink) -> None:
        """Stream until cancelled. Raises FatalError when a product needs a person."""
        access = self._access
        config = access.config

        def stream() -> SocketStream:
            return CoinbaseMarketStream(
                access.told(),
                sink,
                access.clock,
                access.anomalies,
                self._next_seq,
                config.venue,
                self._depth,
            )

        await access.run_market(sink, config.hosts.market_url, stream, config.timing.socket, self._depth)

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        """Closed bars that open in [start, end), ns UTC, oldest first; minutes without a trade are missing.

        Raises RetryableError, RefusedError.
        """
        access = self._access
        coin = access.product(instrument)
        if timeframe not in GRANULARITY:
            return []
        rows = await access.queries.bars(coin.instrument, start, end, timeframe)
        now = access.clock()
        try:
            bars = [mapping.bar(row, coin, timeframe) for row in rows]
        except CoinbaseWireError as error:
            raise RetryableError(f"history of {instrument}: {error}") from None
        return [bar for bar in bars if bar.close_ts <= now]

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq
