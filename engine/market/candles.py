"""How prints become one candle and candles a longer one; shared by the live bars and the fold of a tape.

The rules (docs/semantics.md#bars): a bar is [open, close) on the venue's clock; high, low and volume take
every print of the interval in whatever order it came; the open is the first and the close the last print
by (venue time, seq), and among equals the first and the last to arrive. A print of size zero sets prices
and adds no volume: exchanges send them, and their own minute bars count them that way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from engine.model.events import Print
from engine.model.market import Bar, Timeframe


class Candle:
    """A bar in the making, out of prints. Prices in ticks."""

    __slots__ = (
        "_first_seq",
        "_first_ts",
        "_last_seq",
        "_last_ts",
        "_told",
        "close",
        "close_ts",
        "count",
        "high",
        "low",
        "open",
        "open_ts",
        "volume",
    )

    def __init__(self, open_ts: int, close_ts: int, first: Print) -> None:
        self.open_ts = open_ts
        self.close_ts = close_ts
        self.open = self.high = self.low = self.close = first.price
        self.volume = first.size
        self.count = 1
        self._first_ts = self._last_ts = first.ts_venue
        self._first_seq = self._last_seq = first.seq
        self._told = {first.seq: first.ts_venue}

    def repeats(self, traded: Print) -> bool:
        """Whether this very print is in it already; one without a number (0) never is."""
        return traded.seq != 0 and self._told.get(traded.seq) == traded.ts_venue

    def add(self, traded: Print) -> None:
        """Take a print of this interval in; the caller has checked that it is one, and is no repetition."""
        price = traded.price
        ts = traded.ts_venue
        self._told[traded.seq] = ts
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.volume += traded.size
        self.count += 1
        if ts > self._last_ts or (ts == self._last_ts and traded.seq >= self._last_seq):
            self._last_ts = ts
            self._last_seq = traded.seq
            self.close = price
        elif ts < self._first_ts or (ts == self._first_ts and traded.seq < self._first_seq):
            self._first_ts = ts
            self._first_seq = traded.seq
            self.open = price

    def bar(self, instrument: str, timeframe: Timeframe, gap: bool = False) -> Bar:
        """The candle as it stands."""
        return Bar(
            instrument,
            timeframe,
            self.open_ts,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.count,
            gap,
        )


def floor_to(ts: int, timeframe: Timeframe) -> int:
    """Open time of the bar that `ts` falls into: frames up to an hour stand on the UTC epoch's grid."""
    nanos = timeframe.nanos
    return ts - ts % nanos


def aggregate(bars: Iterable[Bar], timeframe: Timeframe, gap: bool = False) -> Bar:
    """One longer bar out of the bars of one interval, oldest first; `n_src` counts the minutes in it.

    An hour never spans two sessions: they begin and end on full hours of UTC. Backfilled only if all of
    it is; blind if any of it is, or if the caller knows of a hole.
    """
    rest = iter(bars)
    first = next(rest)
    high, low, close, volume = first.high, first.low, first.close, first.volume
    n_src = 1 if first.timeframe is Timeframe.M1 else first.n_src
    gap, backfilled = gap or first.gap, first.backfilled
    for bar in rest:
        if bar.high > high:
            high = bar.high
        if bar.low < low:
            low = bar.low
        close = bar.close
        volume += bar.volume
        n_src += 1 if bar.timeframe is Timeframe.M1 else bar.n_src
        gap = gap or bar.gap
        backfilled = backfilled and bar.backfilled
    open_ts = floor_to(first.open_ts, timeframe)
    return Bar(
        first.instrument, timeframe, open_ts, first.open, high, low, close, volume, n_src, gap, backfilled
    )


def resample(bars: Iterable[Bar], timeframe: Timeframe) -> Iterator[Bar]:
    """Longer bars out of one instrument's shorter ones, oldest first; the last may be incomplete."""
    nanos = timeframe.nanos
    for _, interval in groupby(bars, lambda bar: bar.open_ts // nanos):
        yield aggregate(interval, timeframe)


def fold(
    prints: Iterable[Print], timeframe: Timeframe, on_late: Callable[[Print], None] | None = None
) -> Iterator[Bar]:
    """Fold a recording into bars, without a session filter: what was traded is what is counted.

    Prints come in the order of their venue times, of one instrument or of many; a bar is given out when
    its instrument trades in a later interval, the open ones at the end by (open time, instrument). A print
    older than the open interval changes nothing and goes to `on_late`.
    """
    nanos = timeframe.nanos
    open_candles: dict[str, Candle] = {}
    for traded in prints:
        ts = traded.ts_venue
        candle = open_candles.get(traded.instrument)
        if candle is not None:
            if candle.open_ts <= ts < candle.close_ts:
                if not candle.repeats(traded):
                    candle.add(traded)
                continue
            if ts < candle.open_ts:
                if on_late is not None:
                    on_late(traded)
                continue
            yield candle.bar(traded.instrument, timeframe)
        open_ts = ts - ts % nanos
        open_candles[traded.instrument] = Candle(open_ts, open_ts + nanos, traded)
    for instrument, candle in sorted(open_candles.items(), key=lambda item: (item[1].open_ts, item[0])):
        yield candle.bar(instrument, timeframe)
