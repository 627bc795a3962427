"""How prints become one candle and candles a longer one; shared by the live bars and the fold of a tape.

The rules (docs/semantics.md#bars): a bar is [open, close) on the venue's clock; high, low and volume take
every print of the interval in whatever order it came; the open is the first and the close the last print
by (venue time, seq), and among equals the first and the last to arrive. A print of size zero sets prices
and adds no volume: exchanges send them, and their own minute bars count them that way.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from msgspec.structs import replace

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.market.intervals import Grid, Interval
from engine.model.events import Print
from engine.model.market import Bar, Timeframe


class Candle:
    """A bar in the making, out of prints. Prices in ticks."""

    __slots__ = (
        "_first_seq",
        "_first_ts",
        "_last_seq",
        "_last_ts",
        "_seqs",
        "_times",
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
        # Numbers of the prints that are in it, rising, and their times. In arrays: as objects those of one
        # minute of a flood would be tens of megabytes, and what they leave in memory is not given back.
        self._seqs, self._times = array("q"), array("q")
        self._number(first)

    def repeats(self, traded: Print) -> bool:
        """Whether this very print is in it already; one without a number (0) never is."""
        seq, seqs = traded.seq, self._seqs
        if not seq or not seqs or seq > seqs[-1]:
            return False
        at = bisect_left(seqs, seq)
        return seqs[at] == seq and self._times[at] == traded.ts_venue

    def _number(self, traded: Print) -> None:
        seq, seqs = traded.seq, self._seqs
        if not seqs or seq > seqs[-1]:
            try:
                seqs.append(seq)
            except OverflowError:
                return  # beyond 64 bits: like one without a number
            self._times.append(traded.ts_venue)
            return
        at = bisect_left(seqs, seq)
        if seqs[at] == seq:
            self._times[at] = traded.ts_venue
        else:  # a feed that counts anew, or a print that comes late
            seqs.insert(at, seq)
            self._times.insert(at, traded.ts_venue)

    def add(self, traded: Print) -> None:
        """Take a print of this interval in; the caller has checked that it is one, and is no repetition."""
        price = traded.price
        ts = traded.ts_venue
        self._number(traded)
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


def aggregate(
    bars: Iterable[Bar], timeframe: Timeframe, gap: bool = False, interval: Interval | None = None
) -> Bar:
    """One longer bar out of the bars of one interval, oldest first; `n_src` counts the minutes in it.

    `interval` may be left out where the timeframe stands on UTC's grid. Backfilled only if all of it is;
    blind if any of it is, or if the caller knows of a hole.
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
    nanos = timeframe.nanos
    open_ts = first.open_ts - first.open_ts % nanos if interval is None else interval[0]
    end_ts = 0 if interval is None or interval[1] == open_ts + nanos else interval[1]
    return Bar(
        first.instrument,
        timeframe,
        open_ts,
        first.open,
        high,
        low,
        close,
        volume,
        n_src,
        gap,
        backfilled,
        end_ts,
    )


def resample(bars: Iterable[Bar], timeframe: Timeframe, calendar: Calendar = CME) -> Iterator[Bar]:
    """Longer bars out of one instrument's shorter ones, oldest first; the last may be incomplete. What is
    outside the sessions of `calendar` is in no bar of more than an hour.
    """
    if not timeframe.by_calendar:
        nanos = timeframe.nanos
        for _, parts in groupby(bars, lambda bar: bar.open_ts // nanos):
            yield aggregate(parts, timeframe)
        return
    grid = Grid(timeframe, calendar)
    for interval, parts in groupby(bars, lambda bar: grid.at(bar.open_ts)):
        if interval is not None:
            yield aggregate(parts, timeframe, interval=interval)


def fold(
    prints: Iterable[Print],
    timeframe: Timeframe,
    on_late: Callable[[Print], None] | None = None,
    calendar: Calendar = CME,
) -> Iterator[Bar]:
    """Fold a recording into bars. Up to an hour what was traded is what is counted; longer bars hold the
    sessions of `calendar`.

    Prints come in the order of their venue times, of one instrument or of many; a bar is given out when
    its instrument trades in a later interval, the open ones at the end by (open time, instrument). A print
    older than the open interval changes nothing and goes to `on_late`.
    """
    grid, nanos = Grid(timeframe, calendar), timeframe.nanos

    def done(instrument: str, candle: Candle) -> Bar:
        bar = candle.bar(instrument, timeframe)
        short = candle.close_ts != candle.open_ts + nanos
        return replace(bar, end_ts=candle.close_ts) if short else bar

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
        interval = grid.at(ts)
        if interval is None:
            continue
        if candle is not None:
            yield done(traded.instrument, candle)
        open_candles[traded.instrument] = Candle(*interval, traded)
    for instrument, candle in sorted(open_candles.items(), key=lambda item: (item[1].open_ts, item[0])):
        yield done(instrument, candle)
