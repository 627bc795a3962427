"""Closed minutes of Yahoo by asking for them again and again. Everything that comes is late, and says so."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence

from msgspec.structs import replace

from adapters.common.pacing import Backoff
from adapters.yahoo.client import ChartAsked, ChartClient, LimitedError
from adapters.yahoo.config import YahooConfig
from adapters.yahoo.mapping import INTERVALS, PARTS, Rows, folded, rows
from adapters.yahoo.wire import ChartError, Result
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import BarReported, ContractResolved, LinkChanged, LinkState
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.ports import Clock, Sink

_log = logging.getLogger(__name__)

_LOOK_BACK_NS = 2 * 3600 * NANOS
"""A poll asks for so much: what an outage has left out is in it as well."""
LATEST_NS = 25 * MINUTE
"""No exchange is told later than this: after so long a minute is over, whatever is told."""
_PROMPT_NS = MINUTE
_SAMPLES = 30

_DAY = 24 * 3600 * NANOS
_REACH = {
    Timeframe.M1: (7 * _DAY, 29 * _DAY),
    Timeframe.M2: (59 * _DAY, 59 * _DAY),
    Timeframe.M5: (59 * _DAY, 59 * _DAY),
    Timeframe.M15: (59 * _DAY, 59 * _DAY),
    Timeframe.M30: (59 * _DAY, 59 * _DAY),
    Timeframe.H1: (365 * _DAY, 729 * _DAY),
    Timeframe.D1: (3650 * _DAY, 36500 * _DAY),
}
"""How much one question may ask for, and how far back there is anything."""


class Lag:
    """How late an exchange is told: the least of the newest times at which something new was seen."""

    def __init__(self) -> None:
        self._seen: deque[int] = deque(maxlen=_SAMPLES)
        self._newest = 0

    def saw(self, newest_ts: int, now: int) -> None:
        """The newest trade that is told happened then."""
        if newest_ts > self._newest:
            if self._newest:
                self._seen.append(now - newest_ts)
            self._newest = newest_ts

    @property
    def least(self) -> int | None:
        """Nanoseconds; None while nothing new was seen."""
        return min(self._seen, default=None)

    @property
    def allowance_ns(self) -> int:
        """So long after its end a minute of which nothing later is told is over all the same."""
        least = self.least
        return LATEST_NS if least is None else min(LATEST_NS, 2 * least + _PROMPT_NS)


class YahooFeed:
    """MarketFeed of minutes that are over: `BarReported`, and never the one that is going on."""

    def __init__(self, config: YahooConfig, clock: Clock, client: ChartClient) -> None:
        self._config = config
        self._clock = clock
        self._client = client
        self.counts: Counter[str] = Counter()
        """Rows that were left out, by reason."""
        self._lags = {symbol: Lag() for symbol in config.instruments}
        self._told: dict[str, int] = {}
        """Open of the newest minute that is known, by symbol."""
        self._splits: dict[str, str] = {}
        self._state: tuple[LinkState, str] | None = None

    async def run(self, sink: Sink) -> None:
        """Ask until cancelled. Raises FatalError where Yahoo has none of the instruments."""
        polling = self._config.polling
        failures = Backoff(polling.failed_first_s, polling.failed_cap_s)
        wanted = list(self._config.instruments.values())
        try:
            self._tell(sink, LinkState.CONNECTING, "")
            while wanted:
                pause = polling.every_s
                try:
                    failed = await self._round(wanted, sink)
                    if not wanted:
                        break
                    failures.worked()
                    self._tell(sink, LinkState.LIVE, self._words(failed))
                except LimitedError as error:
                    pause = max(self._client.held_s(), polling.apart_s)
                    self._fails(sink, error)
                except RetryableError as error:
                    pause = failures.pause_s()
                    self._fails(sink, error)
                await asyncio.sleep(pause)
            raise FatalError(f"{self._config.venue}: Yahoo has none of the instruments, see the log")
        finally:
            self._state = None
            await self._client.close()

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        """Closed bars that open in [start, end), nanoseconds UTC, oldest first: of minutes Yahoo has some
        four weeks, of days all. None where it has no such interval. Raises RetryableError, RefusedError.
        """
        known = self._config.instruments.get(instrument)
        if known is None:
            raise RefusedError(f"{instrument} is not among the instruments of this venue")
        if timeframe not in INTERVALS:
            return []
        at_once, reach = _REACH[timeframe]
        start = max(start, self._clock() - reach)
        found: dict[int, Bar] = {}
        while start < end:
            upto = min(end, start + at_once)
            told = await self._rows(known, PARTS.get(timeframe, timeframe), start, upto)
            bars: Sequence[Bar] = told.bars
            if timeframe in PARTS:
                bars = folded(bars, timeframe, told.over_ts)
            found |= {bar.open_ts: bar for bar in bars if start <= bar.open_ts < upto}
            start = upto
        return [replace(found[ts], backfilled=True) for ts in sorted(found)]

    async def look(self, instrument: Instrument) -> Result:
        """What Yahoo says of an instrument now, as it says it. Raises RetryableError, RefusedError."""
        now = self._clock()
        name = self._config.name_of(instrument)
        return await self._client.chart(
            ChartAsked(
                name, INTERVALS[Timeframe.M1], now - _LOOK_BACK_NS, now + NANOS, self._config.extended_hours
            )
        )

    async def _round(self, wanted: list[Instrument], sink: Sink) -> list[str]:
        """Ask about every instrument once; gives those about which nothing could be learnt. What Yahoo does
        not have is wanted no more. Raises RetryableError where it is all of them, LimitedError.
        """
        failed: dict[str, RetryableError] = {}
        for instrument in tuple(wanted):
            try:
                if not await self._poll(instrument, sink):
                    wanted.remove(instrument)
            except LimitedError:
                raise
            except RetryableError as error:
                failed[instrument.symbol] = error
        if failed and len(failed) == len(wanted):
            raise next(iter(failed.values()))
        return list(failed)

    async def _poll(self, instrument: Instrument, sink: Sink) -> bool:
        """Ask about one instrument and tell what is new of it; whether Yahoo has it at all."""
        symbol = instrument.symbol
        now = self._clock()
        try:
            told = await self._rows(instrument, Timeframe.M1, now - _LOOK_BACK_NS, now + NANOS)
        except RefusedError as error:
            if symbol in self._splits:
                raise RetryableError(str(error)) from None  # it was there a moment ago
            _log.error("%s: %s is left out: %s", self._config.venue, symbol, error)
            return False
        now = self._clock()
        self._lags[symbol].saw(told.newest_ts, now)
        self._resolve(instrument, told.split, sink)
        newest = told.bars[-1].open_ts if told.bars else 0
        before = self._told.get(symbol)
        if before is None:  # what is older is the history's
            self._told[symbol] = newest
            return True
        for bar in told.bars:
            if bar.open_ts > before:
                late = bar.open_ts < newest - MINUTE
                sink(
                    BarReported(
                        ts_recv=now,
                        ts_venue=bar.close_ts,
                        # What an outage has left out is told as well, and nobody enters on it.
                        bar=replace(bar, backfilled=True) if late else bar,
                        venue=self._config.venue,
                    )
                )
        self._told[symbol] = max(before, newest)
        return True

    async def _rows(self, instrument: Instrument, timeframe: Timeframe, start: int, end: int) -> Rows:
        interval = INTERVALS[timeframe]
        extended = self._config.extended_hours
        ask = ChartAsked(self._config.name_of(instrument), interval, start, end, extended)
        result = await self._client.chart(ask)
        settle_ns = round(self._config.polling.settle_s * NANOS)
        allowance = self._lags[instrument.symbol].allowance_ns
        try:
            told = rows(
                result, instrument, timeframe, self._clock() - settle_ns, allowance, extended=extended
            )
        except ChartError as error:
            if result.meta.currency not in (None, instrument.currency):
                raise RefusedError(f"{ask.symbol} {error}") from None
            raise RetryableError(f"Yahoo, about {ask.symbol}: {error}") from None
        self.counts.update(told.counts)
        return told

    def _resolve(self, instrument: Instrument, split: str, sink: Sink) -> None:
        """The first time, and after a split: prices before one are on another scale, as of another month."""
        symbol = instrument.symbol
        before = self._splits.get(symbol)
        if before is not None and split in ("", before):
            return
        self._splits[symbol] = split or before or ""
        if before is not None:
            _log.warning("%s: %s has split: its past is loaded anew", self._config.venue, symbol)
            self._told.pop(symbol, None)
        name = self._config.name_of(instrument)
        sink(
            ContractResolved(
                ts_recv=self._clock(),
                instrument=instrument,
                contract_id=f"{name}#{split}" if split else name,
                name=name,
                venue=self._config.venue,
            )
        )

    def _words(self, failed: Sequence[str]) -> str:
        late = [least for lag in self._lags.values() if (least := lag.least) is not None]
        most = max(late, default=0)
        told = f", up to {most // MINUTE} min late" if most >= MINUTE else ""
        without = f"; nothing of {', '.join(failed)}" if failed else ""
        return f"minutes of Yahoo, asked for every {self._config.polling.every_s:g} s{told}{without}"

    def _fails(self, sink: Sink, error: Exception) -> None:
        was = self._state is not None and self._state[0] in (LinkState.LIVE, LinkState.STALE)
        self._tell(sink, LinkState.STALE if was else LinkState.DOWN, str(error))

    def _tell(self, sink: Sink, state: LinkState, detail: str) -> None:
        if (state, detail) != self._state:
            self._state = (state, detail)
            sink(
                LinkChanged(
                    ts_recv=self._clock(),
                    link="market",
                    state=state,
                    detail=detail,
                    venue=self._config.venue,
                    delayed=True,
                )
            )
