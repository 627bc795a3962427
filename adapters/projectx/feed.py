"""The market side of a ProjectX venue: quotes and prints by stream, minutes by history."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from adapters.common.depth_told import DepthWatch
from adapters.projectx import mapping
from adapters.projectx.access import Access
from adapters.projectx.link import Link, Stream
from adapters.projectx.market_stream import MarketStream
from adapters.projectx.wire import WireError
from engine.model.errors import RetryableError
from engine.model.events import LinkChanged, LinkState
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.ports import Sink

_log = logging.getLogger(__name__)

_PROBE_NS = 15 * MINUTE
"""How far back the history is asked when the stream has fallen silent."""
_ROWS_AT_ONCE = 250
"""History is mapped in pieces, about a millisecond each, so that nothing else on the loop waits for it."""


class ProjectXFeed:
    """MarketFeed over the market hub and the history call."""

    def __init__(self, venue: Access) -> None:
        self._venue = venue
        self._seq = 0
        self._depth = DepthWatch()

    def watch_depth(self, instruments: frozenset[str]) -> None:
        self._depth.watch(instruments)

    async def run(self, sink: Sink) -> None:
        """Stream until cancelled. Raises FatalError when login or contracts need a person."""
        venue = self._venue
        config = venue.config

        def report(state: LinkState, detail: str, since: int) -> None:
            now = venue.clock()
            if state is not LinkState.LIVE:
                self._depth.lost(sink, "the market connection is down", now, config.venue)
            sink(
                LinkChanged(
                    ts_recv=now,
                    ts_venue=since,
                    link="market",
                    state=state,
                    detail=detail,
                    venue=config.venue,
                )
            )

        async def make_stream() -> Stream:
            await self._resolve()
            now = venue.clock()
            for event in venue.contracts.events(now, config.venue):
                if announced.get(event.instrument.symbol) != event.contract_id:
                    announced[event.instrument.symbol] = event.contract_id
                    sink(event)
            return MarketStream(
                venue.contracts.active_ids(),
                sink,
                venue.clock,
                venue.session_open,
                config.timing,
                venue.anomalies,
                self._next_seq,
                self._newest_minute,
                venue.contracts.old_ids,
                config.venue,
                self._depth,
            )

        announced: dict[str, str] = {}
        async with venue.opened(sink):
            await Link("market", config.market_hub_url, venue, make_stream, report).run()

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        """Closed bars of up to an hour that open in [start, end), ns UTC, oldest first. Raises
        RetryableError, RefusedError.
        """
        venue = self._venue
        await venue.contracts.ensure()
        product = venue.config.instruments.get(instrument)
        contract = venue.contracts.active_id(instrument)
        assert product is not None  # active_id() refuses any other
        rows = await venue.rest.bars(contract, start, end, timeframe.minutes)
        now = venue.clock()
        bars: list[Bar] = []
        prices = mapping.Prices(product)
        for number, row in enumerate(rows, 1):
            try:
                bar = mapping.bar(row, prices, timeframe)
            except WireError as error:
                raise RetryableError(f"history of {instrument}: {error}") from None
            if bar.close_ts <= now:
                bars.append(bar)
            if number % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return bars

    async def _newest_minute(self) -> str:
        """What REST knows of a market whose stream is silent. Raises RetryableError, RefusedError."""
        venue = self._venue
        now = venue.clock()
        for contract, instrument in venue.contracts.active_ids().items():
            rows = await venue.rest.bars(contract, now - _PROBE_NS, now)
            if rows:
                try:
                    ago = max(0, now - mapping.bar(rows[-1], mapping.Prices(instrument)).close_ts) // NANOS
                except WireError as error:
                    raise RetryableError(f"history of {instrument.symbol}: {error}") from None
                return f"by REST {instrument.symbol} traded until {ago} s ago"
        return f"by REST nothing has traded for {_PROBE_NS // MINUTE} minutes either"

    async def _resolve(self) -> None:
        """Ask at every connection, so that a new month is noticed within a token's life at the latest."""
        contracts = self._venue.contracts
        try:
            await contracts.resolve()
        except RetryableError as error:
            if not contracts.resolved:
                raise
            _log.warning(
                "the contracts could not be asked again, the stream goes on with those known: %s", error
            )

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq
