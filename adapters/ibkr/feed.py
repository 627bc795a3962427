"""The market side: quotes and trades by one subscription for each contract, bars by history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isnan
from typing import TYPE_CHECKING

from adapters.common.rate_budget import Priority, RateBudget
from adapters.ibkr import codes, mapping
from adapters.ibkr.gateway import Gateway
from adapters.ibkr.mapping import BAR_SIZES, OddRecordError
from engine.model.errors import RefusedError, RetryableError
from engine.model.events import ContractResolved, LinkChanged, LinkState, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.ports import Sink

if TYPE_CHECKING:
    from ib_async import Ticker

_TIME_AND_SALES = "233"
_RT_VOLUME = 48
_DAY = 24 * 60 * MINUTE
_AT_ONCE = {
    Timeframe.M1: ("2 D", 2 * _DAY),
    Timeframe.H1: ("1 M", 28 * _DAY),
    Timeframe.M30: ("1 M", 28 * _DAY),
}
"""How much one question asks for; a week of anything else."""


class IbkrFeed:
    """MarketFeed over TWS. Trades are told in bundles, several times a second, with their sizes whole."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._sink: Sink | None = None
        self._state: tuple[LinkState, str] | None = None
        self._announced: dict[str, int] = {}
        self._broken_farms: set[str] = set()
        self._seq = 0
        self._quotes: dict[str, tuple[int | None, int | None]] = {}
        self._volumes: dict[str, float] = {}
        self._tickers: list[Ticker] = []
        self._budget: RateBudget | None = None
        self._each: dict[object, RateBudget] = {}
        """Of history: all of it, and by contract."""
        self._proof: asyncio.TimerHandle | None = None
        """Runs until every subscription is answered."""
        self._words = ""
        self._last_asked: dict[tuple[object, ...], float] = {}

    async def run(self, sink: Sink) -> None:
        """Stream until cancelled. Raises FatalError when library, version or contracts need a person."""
        self._sink = sink
        self._tell(LinkState.CONNECTING, "")
        try:
            async with self._gateway.used_by(self) as ended:
                await ended
        except asyncio.CancelledError:
            self._tell(LinkState.DOWN, "stopped")
            raise
        finally:
            self._wait_no_more()
            self._sink, self._state = None, None

    # -- the connection ------------------------------------------------------------------------------

    async def connected(self) -> None:
        """Announce the contracts and subscribe."""
        gateway = self._gateway
        self._broken_farms.clear()
        for symbol, contract in gateway.contracts.items():
            if self._announced.get(symbol) != contract.conId and self._sink is not None:
                self._announced[symbol] = contract.conId
                self._sink(
                    ContractResolved(
                        ts_recv=gateway.clock(),
                        instrument=gateway.config.instruments[symbol],
                        contract_id=str(contract.conId),
                        name=contract.localSymbol or contract.symbol,
                        venue=gateway.config.venue,
                    )
                )
        gateway.ib.updateEvent += self._look
        self._subscribe("")

    def lost(self, detail: str) -> None:
        self._tickers.clear()
        self._wait_no_more()
        self._tell(LinkState.DOWN, detail)

    def noticed(self, code: int, text: str) -> None:
        match code:
            case codes.LOST | codes.BROKEN:
                self._tell(LinkState.DOWN, f"TWS has lost its servers: {text}")
            case codes.RESTORED_EMPTY:
                self._subscribe("subscribed anew after an outage of the servers")
            case codes.RESTORED:
                # History is loaded anew by it: what was missed is in there.
                self._tell(LinkState.LIVE, "after an outage of the servers")
            case codes.FARM_BROKEN:
                self._broken_farms.add(text.rpartition(":")[2])
                self._tell(LinkState.STALE, text)
            case codes.FARM_OK if self._broken_farms:
                self._broken_farms.discard(text.rpartition(":")[2])
                if not self._broken_farms:
                    self._tell(LinkState.LIVE, text)
            case _ if code in codes.NOT_PERMITTED:
                self._wait_no_more()
                self._tell(LinkState.DOWN, f"{codes.NOT_PERMITTED[code]}: {text}")

    def _subscribe(self, words: str) -> None:
        """Ask for all prices. The link is live with these words once the gateway has answered for each."""
        ib = self._gateway.ib
        self._wait_no_more()
        for ticker in self._tickers:
            ticker.updateEvent.clear()
            if ticker.contract is not None:
                ib.cancelMktData(ticker.contract)
        self._tickers.clear()
        self._quotes.clear()
        self._volumes.clear()
        ib.reqMarketDataType(1)  # live, or nothing: what comes late would look like what is new
        for symbol, contract in self._gateway.contracts.items():
            ticker = ib.reqMktData(contract, _TIME_AND_SALES)
            instrument = self._gateway.config.instruments[symbol]
            ticker.updateEvent += lambda told, known=instrument: self._on_ticker(told, known)
            self._tickers.append(ticker)
        self._words = words
        self._proof = asyncio.get_running_loop().call_later(
            self._gateway.config.waits.first_message_s, self._unanswered
        )

    def _look(self) -> None:
        """The gateway has said something: perhaps the last answer to what was subscribed."""
        if self._proof is not None and not self._missing():
            self._wait_no_more()
            self._tell(LinkState.LIVE, self._words)

    def _missing(self) -> list[str]:
        """Contracts of which nothing has come since they were subscribed, not even their terms."""
        return [
            one.contract.symbol
            for one in self._tickers
            if one.contract is not None and isnan(one.minTick) and isnan(one.bid) and isnan(one.last)
        ]

    def _unanswered(self) -> None:
        self._tell(LinkState.STALE, f"subscribed, but nothing came: {', '.join(self._missing())}")

    def _wait_no_more(self) -> None:
        if self._proof is not None:
            self._proof.cancel()
            self._proof = None

    def _tell(self, state: LinkState, detail: str) -> None:
        if self._sink is None or (state, detail) == self._state:
            return
        self._state = (state, detail)
        gateway = self._gateway
        self._sink(
            LinkChanged(
                ts_recv=gateway.clock(), link="market", state=state, detail=detail, venue=gateway.config.venue
            )
        )

    # -- prices --------------------------------------------------------------------------------------

    def _on_ticker(self, told: Ticker, instrument: Instrument) -> None:
        """What one packet has said of a contract."""
        sink, gateway = self._sink, self._gateway
        if sink is None:
            return
        now = gateway.clock()
        symbol, venue = instrument.symbol, gateway.config.venue
        try:
            quote = mapping.ticks(told.bid, instrument), mapping.ticks(told.ask, instrument)
        except OddRecordError as error:
            gateway.note("quotes", error)
            return
        if quote != (None, None) and quote != self._quotes.get(symbol):
            self._quotes[symbol] = quote
            # The venue puts no time on its quotes: ours, as it came.
            sink(
                Quote(
                    ts_recv=now,
                    ts_venue=now,
                    instrument=symbol,
                    bid=quote[0],
                    ask=quote[1],
                    venue=venue,
                    last=_or_none(told.last, instrument),
                )
            )
        for tick in told.ticks:
            if tick.tickType != _RT_VOLUME:
                continue
            try:
                price = mapping.ticks(tick.price, instrument)
                size = mapping.lots(tick.size, instrument)
            except OddRecordError as error:
                gateway.note("trades", error)
                continue
            if price is None or size < 0 or told.rtTime is None:
                continue
            self._seq += 1
            ts = mapping.nanos(told.rtTime)
            sink(
                Print(
                    ts_recv=now,
                    ts_venue=ts,
                    instrument=symbol,
                    price=price,
                    size=size,
                    seq=self._seq,
                    venue=venue,
                )
            )

    # -- history -------------------------------------------------------------------------------------

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        """Closed bars that open in [start, end), nanoseconds UTC, oldest first. Raises RetryableError,
        RefusedError.
        """
        gateway = self._gateway
        known = gateway.config.instruments.get(instrument)
        if known is None:
            raise RefusedError(f"{instrument} is not among the instruments of this venue")
        if timeframe not in BAR_SIZES:
            return []
        gateway.ib  # noqa: B018 - raises where there is no connection
        duration, length = _AT_ONCE.get(timeframe, ("1 W", 7 * _DAY))
        found: dict[int, Bar] = {}
        upto = end + -end % MINUTE
        now = gateway.clock()
        while upto > start:
            for bar in await self._page(known, timeframe, duration, upto):
                if start <= bar.open_ts < end and bar.close_ts <= now:
                    found[bar.open_ts] = bar
            upto -= length
        return [found[ts] for ts in sorted(found)]

    async def _page(self, instrument: Instrument, timeframe: Timeframe, duration: str, end: int) -> list[Bar]:
        gateway = self._gateway
        contract = gateway.contracts.get(instrument.symbol)
        if contract is None:
            raise RetryableError(f"history of {instrument.symbol}: its contract is not known yet")
        until = datetime.fromtimestamp(end // NANOS, UTC).strftime("%Y%m%d-%H:%M:%S")
        await self._pace((contract.conId, timeframe, until))
        what = f"history of {instrument.symbol}"
        limit_s = gateway.config.waits.history_s
        try:
            told = await gateway.ask(
                gateway.ib.reqHistoricalDataAsync(
                    contract,
                    endDateTime=until,
                    durationStr=duration,
                    barSizeSetting=BAR_SIZES[timeframe],
                    whatToShow="TRADES",
                    useRTH=False,
                    formatDate=2,
                    timeout=0,
                ),
                what,
                limit_s,
            )
        except RetryableError as error:
            if codes.NO_DATA in str(error):
                return []
            raise
        bars: list[Bar] = []
        for row in told:
            try:
                bars.append(mapping.bar(row, instrument, timeframe))
            except OddRecordError as error:
                gateway.note("bars", error)
        return bars

    async def _pace(self, question: tuple[object, ...]) -> None:
        """A few at a time about one contract, not too many in a minute, and never the same one twice in a
        moment: the venue would answer with a pacing violation (162), and close the door for a while.
        """
        patience_s = self._gateway.config.waits.history_s
        if self._budget is None:
            self._budget = RateBudget(60, 60.0, share=0.8, left_above={})
        each = self._each.setdefault(question[0], RateBudget(6, 2.0, share=0.8, left_above={}))
        await each.take(Priority.HISTORY, patience_s)
        await self._budget.take(Priority.HISTORY, patience_s)
        loop = asyncio.get_running_loop()
        since = loop.time() - self._last_asked.get(question, float("-inf"))
        if (pause := self._gateway.config.waits.same_history_s - since) > 0:
            await asyncio.sleep(pause)
        if len(self._last_asked) > 500:
            self._last_asked.clear()
        self._last_asked[question] = loop.time()


def _or_none(price: float, instrument: Instrument) -> int | None:
    try:
        return mapping.ticks(price, instrument)
    except OddRecordError:
        return None
