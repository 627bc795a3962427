"""What one connection to the market hub carries: quotes and prints, and the proof that both still come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from msgspec import Raw

from adapters.common.anomalies import Anomalies
from adapters.common.depth_told import DepthTeller, DepthWatch
from adapters.common.typed_json import UNREADABLE
from adapters.projectx import mapping
from adapters.projectx.config import SessionOpen, Timing
from adapters.projectx.depth import ContractDepth
from adapters.projectx.handover import Handover
from adapters.projectx.link import Invoke, Silence, Stream
from adapters.projectx.signalr import InvocationFailed
from adapters.projectx.wire import (
    LevelRow,
    LevelsRecord,
    PrintRow,
    PrintsRecord,
    QuoteRow,
    WireError,
    market_record,
    read_depth,
    read_prints,
    read_quote,
)
from engine.model.events import Depth, HeldPriced, Print, Quote
from engine.model.instrument import Instrument
from engine.ports import Clock, Sink

_log = logging.getLogger(__name__)

_EVIDENCE = 3
"""So many trades shown by one stream and not by the other: one alone may be a spread's or a correction."""

_SETTLE_S = 10.0
"""So long after taking over, prints are compared with what the connection before has told."""

_NANOS = 1_000_000_000
_MOST_AHEAD_S = 3600
"""By so much may the venue's clock be ahead of ours: it decides bars and trade dates."""


class _Contract:
    """One contract's two subscriptions, each the witness of the other."""

    __slots__ = ("_last", "_volume", "book", "instrument", "old", "unprinted", "unquoted")

    def __init__(self, instrument: Instrument, venue: str, *, old: bool = False) -> None:
        self.instrument = instrument
        self.old = old
        """A month that is held and not the active one any more: nothing is proven or missed by it."""
        self.book = mapping.TopOfBook(instrument, venue)
        self.unprinted: list[float] = []
        """Loop times of the trades that quotes have shown since the last print."""
        self.unquoted: list[float] = []
        """Loop times of the prints since the last quote."""
        self._last: int | None = None
        self._volume: float | None = None

    def quoted(self, volume: float | None, last: int | None, now: float) -> None:
        if self.unquoted:
            self.unquoted.clear()
        if volume is not None:
            traded = self._volume is not None and volume > self._volume
            self._volume = volume
        else:
            traded = self._last is not None and last != self._last
        self._last = last
        if traded and len(self.unprinted) < _EVIDENCE:
            self.unprinted.append(now)

    def printed(self, now: float) -> None:
        if self.unprinted:
            self.unprinted.clear()
        if len(self.unquoted) < _EVIDENCE:
            self.unquoted.append(now)

    def lost(self, before: float) -> tuple[str, float] | None:
        """Which subscription brings nothing though the other shows trades, and since when."""
        for kind, times in (("print", self.unprinted), ("quote", self.unquoted)):
            if len(times) >= _EVIDENCE and times[0] <= before:
                return kind, times[0]
        return None


class MarketStream(Stream):
    """Quotes and prints of one connection.

    A subscription counts once the hub has acknowledged it. A quote subscription proves itself by its first
    record, which comes at once, on a closed market too. A print subscription of a quiet contract has none to
    show for minutes; it is proven wrong as soon as quotes show trades that it does not bring.
    """

    def __init__(
        self,
        contracts: Mapping[str, Instrument],
        sink: Sink,
        clock: Clock,
        session_open: SessionOpen,
        timing: Timing,
        anomalies: Anomalies,
        next_seq: Callable[[], int],
        ask: Callable[[], Awaitable[str]],
        old_months: Callable[[], Mapping[str, Instrument]] = dict,
        venue: str = "",
        depth: DepthWatch | None = None,
    ) -> None:
        """`ask` learns by REST how far the market has gone. `old_months` are those that are held besides;
        `depth` says of which contracts the order book is to be told.
        """
        self._venue = venue
        self._old_months = old_months
        self._live = False
        self._contracts = {
            contract: _Contract(instrument, venue) for contract, instrument in contracts.items()
        }
        self._books: dict[str, ContractDepth] = {}
        """Of contracts whose depth is subscribed, by contract id."""
        self._bookless: set[str] = set()
        """Whose depth the hub refuses."""
        self._ids = {instrument.symbol: contract for contract, instrument in contracts.items()}
        self._depth = DepthTeller(depth or DepthWatch(), self._told_book, sink)
        self._sink = sink
        self._clock = clock
        self._session_open = session_open
        self._timing = timing
        self._anomalies = anomalies
        self._next_seq = next_seq
        self._ask = ask
        self._awaited = set(contracts)
        self._complete = asyncio.Event()
        self._time = asyncio.get_running_loop().time
        self._last_quote = self._last_print = self._open_since = self._time()
        self._heard = 0
        self._before: Handover | None = None
        """What is not yet settled with the connection before this one."""
        self._settled_by = 0.0
        self._after: Handover | None = None
        """The same with the one that is to follow."""

    async def subscribe(self, invoke: Invoke) -> None:
        for method, contract in _both(self._contracts):
            await invoke(method, contract)
        await self._look(invoke)

    async def _look(self, invoke: Invoke) -> None:
        """Have the depth of those contracts sent whose book somebody looks at, and of no others."""
        wanted = {self._ids[symbol] for symbol in self._depth.watch.wanted if symbol in self._ids}
        for contract in self._books.keys() - wanted:
            del self._books[contract]
            try:
                await invoke("UnsubscribeContractMarketDepth", contract)
            except InvocationFailed as error:
                _log.warning("market hub: the depth of %s can't be given up: %s", contract, error)
        for contract in wanted - self._books.keys() - self._bookless:
            one = self._contracts[contract]
            prices = mapping.PriceTexts(one.instrument)
            self._books[contract] = ContractDepth(prices, self._venue)
            try:
                await invoke("SubscribeContractMarketDepth", contract)
            except InvocationFailed as error:
                del self._books[contract]
                self._bookless.add(contract)
                why = f"the venue refuses it: {error}"
                self._depth.broken(one.instrument.symbol, why, self._clock(), self._venue)

    async def tend(self, invoke: Invoke) -> None:
        """Books that are looked at, and months that are held by now and are not the active ones."""
        await self._look(invoke)
        old = {c: instrument for c, instrument in self._old_months().items() if c not in self._contracts}
        self._contracts |= {
            contract: _Contract(instrument, self._venue, old=True) for contract, instrument in old.items()
        }
        for method, contract in _both(old):
            try:
                await invoke(method, contract)
            except InvocationFailed as error:
                _log.warning("market hub: %s(%s): %s", method, contract, error)

    def take(self, record: bytes) -> bool:
        try:
            found = market_record(record)
        except UNREADABLE:
            return False
        contract, told = found.arguments
        try:
            if isinstance(found, LevelsRecord):
                self._levels(contract, found.arguments[1])
            elif isinstance(told, QuoteRow):
                if told.timestamp is None and told.last_updated is None:
                    return False  # its keys may be spelt in another case
                self._quote(contract, told)
            elif isinstance(found, PrintsRecord):
                rows = found.arguments[1]
                self._prints(contract, rows if isinstance(rows, list) else [rows])
        except WireError as error:
            target = "GatewayTrade" if isinstance(found, PrintsRecord) else "GatewayQuote"
            target = "GatewayDepth" if isinstance(found, LevelsRecord) else target
            self._anomalies.note(target, error, record[:250])
        return True

    def receive(self, target: str, arguments: Raw) -> None:
        try:
            if target == "GatewayQuote":
                self._quote(*read_quote(arguments))
            elif target == "GatewayTrade":
                self._prints(*read_prints(arguments))
            elif target == "GatewayDepth":
                self._levels(*read_depth(arguments))
        except WireError as error:
            self._anomalies.note(target, error, bytes(arguments)[:200])

    def go_live(self) -> None:
        self._live = True
        for contract, one in self._contracts.items():
            if contract not in self._awaited and not one.old:
                self._sink(one.book.quote(self._clock()))
        if self._before is not None:
            now = self._clock()
            self._settled_by = self._time() + _SETTLE_S
            for contract, row in self._before.missed():
                self._tell(self._contracts[contract].book.prices, row, now)

    def follow(self, before: MarketStream) -> None:
        before._after = self._before = Handover()

    def alone(self) -> None:
        self._after = None

    def retire(self) -> None:
        self._live = False
        self._after = None
        self._depth.stop()

    async def first_messages(self) -> None:
        """A quote of every contract."""
        await self._complete.wait()

    def missing(self) -> str:
        if not self._awaited or not self._session_open(self._clock()):
            return ""
        symbols = sorted(self._contracts[contract].instrument.symbol for contract in self._awaited)
        return f"no quote of {', '.join(symbols)}"

    def silence(self, now: float) -> Silence | None:
        """Quotes can stop while trades flow, so each stream is watched on its own
        (docs/protocols/projectx.md#market-events).
        """
        if not self._session_open(self._clock()):
            self._open_since = now
            for one in self._contracts.values():
                one.unprinted.clear()
                one.unquoted.clear()
            return None
        timing = self._timing
        for kind, last, limit in (
            ("quote", self._last_quote, timing.quote_silence_s),
            ("print", self._last_print, timing.print_silence_s),
        ):
            since = max(last, self._open_since)
            if now - since > limit:
                return self._silence(f"no {kind} for {limit:g} s while the market is open", since, now)
        if now - self._open_since > timing.quote_silence_s and (missing := self.missing()):
            return self._silence(f"{missing} since the market opened", self._open_since, now)
        for one in self._contracts.values():
            if not one.old and (lost := one.lost(now - timing.behind_s)) is not None:
                kind, since = lost
                return self._silence(f"no {kind} of {one.instrument.symbol} though it trades", since, now)
        return None

    def heard(self) -> int:
        return self._heard

    async def diagnose(self) -> str:
        return await self._ask()

    def _silence(self, reason: str, since: float, now: float) -> Silence:
        start = self._clock() - int((now - since) * _NANOS)
        if self._heard and max(self._last_quote, self._last_print) <= since:
            start = min(start, self._heard)  # exact, also where the venue's time runs faster than ours
        return Silence(reason, start)

    def _quote(self, contract: str, row: QuoteRow) -> None:
        one = self._contracts.get(contract)
        if one is None:
            raise WireError("a contract that was not subscribed")
        self._heard = self._clock()
        quote = one.book.merge(row, self._heard)
        _require_past(quote.ts_venue, self._heard)
        if one.old:
            self._tell_old(contract, quote)
            return
        self._last_quote = now = self._time()
        one.quoted(row.volume, quote.last, now)
        if self._awaited:
            self._awaited.discard(contract)
            if not self._awaited:
                self._complete.set()
        if self._live:
            self._sink(quote)

    def _levels(self, contract: str, rows: list[LevelRow] | LevelRow) -> None:
        book = self._books.get(contract)
        if book is None:
            return  # what was under way while it was given up
        for error in book.take(rows if isinstance(rows, list) else [rows]):
            self._anomalies.note("GatewayDepth", error)
        self._depth.changed(self._contracts[contract].instrument.symbol)

    def _told_book(self, symbol: str) -> Depth | None:
        book = self._books.get(self._ids.get(symbol, ""))
        return book.told(self._clock()) if book is not None and self._live else None

    def _prints(self, contract: str, rows: list[PrintRow]) -> None:
        one = self._contracts.get(contract)
        if one is None:
            raise WireError("a contract that was not subscribed")
        self._heard = now = self._clock()
        if one.old:
            for row in rows:
                self._tell_old(contract, mapping.market_print(row, one.book.prices, now, 0))
            return
        self._last_print = seconds = self._time()
        one.printed(seconds)
        if self._before is not None or self._after is not None:
            rows = self._overlapping(contract, rows)
        if self._live:
            for row in rows:
                self._tell(one.book.prices, row, now)

    def _tell_old(self, contract: str, told: Quote | Print) -> None:
        """A price of a month that is held says what the position is worth, and nothing about the market."""
        quote = told if isinstance(told, Quote) else None
        if self._live:
            self._sink(
                HeldPriced(
                    ts_recv=told.ts_recv,
                    ts_venue=told.ts_venue,
                    instrument=told.instrument,
                    contract_id=contract,
                    bid=None if quote is None else quote.bid,
                    ask=None if quote is None else quote.ask,
                    last=told.price if isinstance(told, Print) else None,
                    venue=self._venue,
                )
            )

    def _overlapping(self, contract: str, rows: list[PrintRow]) -> list[PrintRow]:
        """Compare with the connection beside this one; gives the prints that it has not told."""
        if self._after is not None:
            for row in rows:
                self._after.told(contract, row)
        if self._before is None:
            return rows
        if not self._live:
            for row in rows:
                self._before.brought(contract, row)
            return rows
        fresh = [row for row in rows if not self._before.repeats(contract, row)]
        if self._before.settled or self._last_print > self._settled_by:
            self._before = None
        return fresh

    def _tell(self, prices: mapping.PriceTexts, row: PrintRow, now: int) -> None:
        try:
            told = mapping.market_print(row, prices, now, self._next_seq(), self._venue)
            _require_past(told.ts_venue, now)
            self._sink(told)
        except WireError as error:
            self._anomalies.note("GatewayTrade", error)


def _both(contracts: Iterable[str]) -> list[tuple[str, str]]:
    """The subscriptions of contracts, each to quotes and prints."""
    return [
        (method, contract)
        for contract in contracts
        for method in ("SubscribeContractQuotes", "SubscribeContractTrades")
    ]


def _require_past(ts: int, now: int) -> None:
    """Raises WireError for what has not happened yet."""
    if ts > now + _MOST_AHEAD_S * _NANOS:
        raise WireError(f"a time {(ts - now) // _NANOS} s ahead of ours")
