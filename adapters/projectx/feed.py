"""The market side of a ProjectX venue: quotes and prints by stream, minutes by history."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Raw

from adapters.projectx import mapping
from adapters.projectx.anomalies import Anomalies
from adapters.projectx.config import SessionOpen, Timing
from adapters.projectx.link import Link, Stream
from adapters.projectx.wire import WireError, read_prints, read_quote
from engine.model.errors import RetryableError
from engine.model.events import LinkChanged, LinkState
from engine.model.instrument import Instrument
from engine.model.market import Bar
from engine.ports import Clock, Sink

if TYPE_CHECKING:
    from adapters.projectx.venue import ProjectXVenue

_log = logging.getLogger(__name__)


class MarketStream:
    """Quotes and prints of one connection to the market hub."""

    def __init__(
        self,
        contracts: dict[str, Instrument],
        sink: Sink,
        clock: Clock,
        session_open: SessionOpen,
        timing: Timing,
        anomalies: Anomalies,
        next_seq: Callable[[], int],
    ) -> None:
        self._live = False
        self._contracts = contracts
        self._books = {contract: mapping.TopOfBook(i) for contract, i in contracts.items()}
        self._sink = sink
        self._clock = clock
        self._session_open = session_open
        self._timing = timing
        self._anomalies = anomalies
        self._next_seq = next_seq
        self._awaited = set(contracts)
        self._complete = asyncio.Event()
        self._time = asyncio.get_running_loop().time
        self._last_quote = self._last_print = self._open_since = self._time()

    def subscriptions(self) -> Sequence[tuple[str, tuple[object, ...]]]:
        return [
            (method, (contract,))
            for contract in self._contracts
            for method in ("SubscribeContractQuotes", "SubscribeContractTrades")
        ]

    def receive(self, target: str, arguments: Raw) -> None:
        try:
            if target == "GatewayQuote":
                self._quote(arguments)
            elif target == "GatewayTrade":
                self._prints(arguments)
        except WireError as error:
            self._anomalies.note(target, error, bytes(arguments)[:200])

    def go_live(self) -> None:
        self._live = True
        for contract, book in self._books.items():
            if contract not in self._awaited:
                self._sink(book.quote(self._clock()))

    def retire(self) -> None:
        self._live = False

    async def first_messages(self) -> None:
        """A quote of every contract: the hub sends a full one on subscribing, on a closed market too.

        Prints prove nothing here: a quiet contract has none for minutes.
        """
        await self._complete.wait()

    def missing(self) -> str:
        if not self._awaited or not self._session_open(self._clock()):
            return ""
        symbols = sorted(self._contracts[contract].symbol for contract in self._awaited)
        return f"no quote of {', '.join(symbols)}"

    def silence(self, now: float) -> str:
        """ProjectX protocol: quotes can stop while trades flow, so each kind is watched on its own."""
        if not self._session_open(self._clock()):
            self._open_since = now
            return ""
        for kind, last, limit in (
            ("quote", self._last_quote, self._timing.quote_silence_s),
            ("print", self._last_print, self._timing.print_silence_s),
        ):
            if now - max(last, self._open_since) > limit:
                return f"no {kind} for {limit:g} s while the market is open"
        return ""

    def _quote(self, arguments: Raw) -> None:
        contract, row = read_quote(arguments)
        book = self._books.get(contract)
        if book is None:
            raise WireError("a contract that was not subscribed")
        quote = book.merge(row, self._clock())
        self._last_quote = self._time()
        if self._awaited:
            self._awaited.discard(contract)
            if not self._awaited:
                self._complete.set()
        if self._live:
            self._sink(quote)

    def _prints(self, arguments: Raw) -> None:
        contract, rows = read_prints(arguments)
        instrument = self._contracts.get(contract)
        if instrument is None:
            raise WireError("a contract that was not subscribed")
        self._last_print = self._time()
        if not self._live:
            return  # the connection that counts delivers the same prints
        now = self._clock()
        for row in rows:
            try:
                self._sink(mapping.market_print(row, instrument, now, self._next_seq()))
            except WireError as error:
                self._anomalies.note("GatewayTrade", error)


class ProjectXFeed:
    """MarketFeed over the market hub and the history call."""

    def __init__(self, venue: ProjectXVenue) -> None:
        self._venue = venue
        self._seq = 0

    async def run(self, sink: Sink) -> None:
        """Stream until cancelled. Raises FatalError when login or contracts need a person."""
        venue = self._venue
        config = venue.config

        def report(state: LinkState, detail: str) -> None:
            sink(LinkChanged(ts_recv=venue.clock(), link="market", state=state, detail=detail))

        async def make_stream() -> Stream:
            await self._resolve()
            now = venue.clock()
            for event in venue.contracts.events(now):
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
            )

        announced: dict[str, str] = {}
        async with venue.opened(sink):
            await Link(
                "market",
                config.market_hub_url,
                venue.session,
                config.timing,
                make_stream,
                report,
                venue.anomalies,
                venue.rng,
            ).run()

    async def history(self, instrument: str, start: int, end: int) -> Sequence[Bar]:
        """Closed 1m bars of [start, end), ns UTC, oldest first. Raises RetryableError, RefusedError."""
        venue = self._venue
        await venue.contracts.ensure()
        product = venue.config.instruments.get(instrument)
        contract = venue.contracts.active_id(instrument)
        assert product is not None  # active_id() refuses any other
        rows = await venue.rest.bars(contract, start, end)
        now = venue.clock()
        bars: list[Bar] = []
        for row in rows:
            try:
                bar = mapping.bar(row, product)
            except WireError as error:
                raise RetryableError(f"history of {instrument}: {error}") from None
            if bar.close_ts <= now:
                bars.append(bar)
        return bars

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
