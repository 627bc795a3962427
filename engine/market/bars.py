"""Live bars of all instruments: minutes from prints, longer frames from final minutes
(docs/semantics.md#bars).

A minute boundary T closes for everybody at once, at T + grace on the receive clock: a later event says
nothing about what a feed that shuffles has still to bring. What closes comes as one BarsClosed, so that
nobody ever sees half of the frames. Emitted is final: a later print is counted and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.market.candles import Candle
from engine.market.intervals import Folded
from engine.market.series import BarSeries
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, NANOS, USUAL, Bar, Timeframe

LATE = "late prints"
MISDATED = "misdated prints"
REPEATED = "repeated prints"
"""Names of the counts."""

_NOTHING: tuple[BarsClosed, ...] = ()
_open_ts = attrgetter("open_ts")


class BarsClosed(Struct, frozen=True, gc=False):
    """Everything that closed at one boundary: 1m bars, then longer ones up to 1d, each by instrument."""

    ts: int
    bars: tuple[Bar, ...]


def as_minute(bar: Bar) -> Bar:
    """A longer bar as the last minute of its interval, with all that happened in it."""
    return replace(bar, timeframe=Timeframe.M1, open_ts=bar.close_ts - MINUTE, end_ts=0)


class MinuteBars:
    """Builds, closes and keeps the bars of all instruments.

    `grace_ns` is how long after a boundary, on the receive clock, late prints are still waited for: 0 where
    the feed is known to be in order, as recordings are. `keep` is how many bars are given per instrument and
    timeframe; `counts` is told of prints that changed nothing. `timeframes` are those that are folded and
    announced: others are made when somebody reads them. `calendars` are the instruments' own.

    Prints and quotes return what they closed, which is nearly always nothing.
    """

    def __init__(
        self,
        *,
        grace_ns: int = NANOS,
        keep: int = 600,
        counts: Counter[str] | None = None,
        timeframes: Iterable[Timeframe] = USUAL,
        calendars: Mapping[str, Calendar] | None = None,
    ) -> None:
        self._folded = Folded(timeframes)
        self.timeframes = (Timeframe.M1, *self._folded.longer)
        """What is folded, the shortest first."""
        self._calendars = calendars or {}
        self._grace_ns = grace_ns
        self._keep = keep
        self._series: dict[str, BarSeries] = {}
        self._sorted: tuple[BarSeries, ...] = ()
        self._closed_through = 0
        self._timer = MINUTE + grace_ns
        self._due: int | None = None
        self._late: dict[str, int] = {}
        """By instrument whose minutes are told late, until when it is closed: its own time."""
        self._up_since: int | None = None
        self.clock_offset = 0
        """What to add to `ts_recv` for the wall's time, where that clock was set: minutes are the wall's."""
        self._running = False
        """Whether an event has told the time; until then history is all past."""
        self._counts: Counter[str] = Counter() if counts is None else counts

    # -- events --------------------------------------------------------------------------------------

    def on_print(self, traded: Print) -> Sequence[BarsClosed]:
        """Fold one print into its minute."""
        series = self._series.get(traded.instrument) or self._add(traded.instrument)
        recv = traded.ts_recv + self.clock_offset
        closed = self.on_time(traded.ts_recv) if recv >= self._timer else _NOTHING
        ts = traded.ts_venue
        open_ts = ts - ts % MINUTE
        candle = series.candles.get(open_ts)
        if candle is not None:
            if candle.repeats(traded):
                self._counts[REPEATED] += 1
            else:
                candle.add(traded)
        elif open_ts < self._closed_through:
            self._counts[LATE] += 1
        elif ts > recv + MINUTE:
            self._counts[MISDATED] += 1
        else:
            close_ts = open_ts + MINUTE
            series.candles[open_ts] = Candle(open_ts, close_ts, traded)
            series.coverage.stream_begins(ts)
            self._running = True
            if self._due is None or close_ts < self._due:
                self._due = close_ts
        return closed

    def repeats(self, traded: Print) -> bool:
        """Whether this very print has been folded into a minute that is still open."""
        series = self._series.get(traded.instrument)
        candle = series.candles.get(traded.ts_venue - traded.ts_venue % MINUTE) if series else None
        return candle is not None and candle.repeats(traded)

    def holds(self, traded: Print) -> bool:
        """Whether the minute of a print is open, and has taken one."""
        series = self._series.get(traded.instrument)
        return series is not None and traded.ts_venue - traded.ts_venue % MINUTE in series.candles

    def on_quote(self, quote: Quote) -> Sequence[BarsClosed]:
        """Quotes make no bars; the first thing heard of an instrument is where its stream begins."""
        series = self._series.get(quote.instrument) or self._add(quote.instrument)
        series.coverage.stream_begins(quote.ts_venue)
        return self.on_time(quote.ts_recv) if quote.ts_recv + self.clock_offset >= self._timer else _NOTHING

    def on_bar(self, bar: Bar, ts_recv: int) -> Sequence[BarsClosed]:
        """Take a closed bar of a feed that tells no prints. Its end closes with the last instrument's, else
        when time tells. A bar of more than a minute is kept as its last minute: it makes longer ones of its
        own multiples, and nobody may look at shorter ones.
        """
        since = bar.open_ts
        if bar.timeframe is not Timeframe.M1:
            bar = as_minute(bar)
        series = self._series.get(bar.instrument) or self._add(bar.instrument)
        open_ts = bar.open_ts
        close_ts = open_ts + MINUTE
        late = self._late and bar.instrument in self._late
        if open_ts < (self._late[bar.instrument] if late else self._closed_through):
            self._counts[LATE] += 1
            return _NOTHING
        if close_ts > ts_recv + self.clock_offset + MINUTE:
            self._counts[MISDATED] += 1
            return _NOTHING
        if late:
            series.coverage.stream_begins(since)
            series.venue_finals[open_ts] = bar
            return self._close_late(series, close_ts)
        if open_ts == self._closed_through and len(self._calendars) == 1 and not series.candles:
            return self._close_next(series, bar, close_ts)
        closed = self._close_through(open_ts)
        series.venue_finals[open_ts] = bar
        series.coverage.stream_begins(since)
        self._running = True
        if self._due is None or close_ts < self._due:
            self._due = close_ts
        if len(self._sorted) < len(self._calendars):
            return closed
        if all(open_ts in one.venue_finals for one in self._sorted):
            return (*closed, *self._close_through(close_ts))
        return closed

    def _close_next(self, series: BarSeries, bar: Bar, close_ts: int) -> Sequence[BarsClosed]:
        """The next minute of the only contract: nothing waits for it, and nothing was due before."""
        if not self._running:
            series.coverage.stream_begins(bar.open_ts)
            self._running = True
        if series.venue_finals:
            series.venue_finals[bar.open_ts] = bar
            return (BarsClosed(close_ts, self._close(close_ts)),)
        series.add_minute(bar)
        folded = self._folded
        if (folded.even and not close_ts % folded.even[0][1]) or folded.by_calendar or not folded.nested:
            return (BarsClosed(close_ts, self._close(close_ts, bar)),)
        self._closed_through = close_ts
        self._timer = close_ts + MINUTE + self._grace_ns
        self._due = series.next_due(close_ts) if folded.even else None
        return (BarsClosed(close_ts, (bar,)),)

    def told_late(self, instrument: str, *, late: bool) -> None:
        """From now on the minutes of an instrument come late, or in time again. Late ones close when they are
        told, and what they make when a later one is: time says nothing of them.
        """
        if late and instrument not in self._late:
            self._late[instrument] = 0
        elif not late and instrument in self._late:
            del self._late[instrument]
        else:
            return
        if instrument not in self._series:
            self._add(instrument)
        self._sort()
        self._plan()

    def _close_late(self, series: BarSeries, close_ts: int) -> Sequence[BarsClosed]:
        """Close what an instrument of which late minutes are told has until `close_ts`, and nothing else."""
        closed: list[BarsClosed] = []
        through = self._late[series.instrument]
        while (due := series.next_due(through)) is not None and due <= close_ts:
            bars = self._closing((series,), due)
            through = due
            if bars:
                closed.append(BarsClosed(due, bars))
        self._late[series.instrument] = close_ts
        return closed

    def _through(self, instrument: str) -> int:
        """Until when an instrument is closed."""
        return self._late.get(instrument, self._closed_through) if self._late else self._closed_through

    def on_time(self, ts_recv: int) -> Sequence[BarsClosed]:
        """Close what is due by the timer. Call it with any other event's `ts_recv` too."""
        if ts_recv + self.clock_offset < self._timer:
            return _NOTHING
        limit = ts_recv + self.clock_offset - self._grace_ns
        return self._close_through(limit - limit % MINUTE)

    def next_deadline(self) -> int | None:
        """The `ts_recv` at which `on_time` has something to close; None when nothing is open."""
        return None if self._due is None else self._due + self._grace_ns - self.clock_offset

    # -- the feed's health -----------------------------------------------------------------------------

    def feed_up(self, ts: int, instrument: str | None = None) -> None:
        """The stream is complete from `ts` on (one instrument's, or everybody's).

        The first time it decides which minute is the first whole one: a partly seen minute is dropped
        unless history completes it. Without this call the first event decides. After `feed_down` it ends
        the blind time.
        """
        if instrument is None:
            self._up_since = ts
        for series in self._chosen(instrument):
            known = series.coverage
            known.stream_begins(ts)
            if known.blind_since is not None:
                known.mark_blind(known.blind_since, ts)
                known.blind_since = None

    def feed_down(self, ts: int, instrument: str | None = None) -> None:
        """Nothing is heard from `ts` on until `feed_up`: bars of that time are flagged `gap`."""
        for series in self._chosen(instrument):
            if series.coverage.blind_since is None:
                series.coverage.blind_since = ts

    def load_history(self, instrument: str, bars: Iterable[Bar]) -> int:
        """Merge closed minutes of the venue's history by key; gives how many were new. Half hours, of which
        only what is older than the minutes counts, are for what is longer than an hour.

        Emitted bars never change. What history adds is marked `backfilled` and not announced: whoever
        keeps state over bars rebuilds it from `bars()`. Call `on_time` with the event's `ts_recv` first.
        Raises ValueError for bars of another instrument, or of any other timeframe.
        """
        series = self._series.get(instrument) or self._add(instrument)
        minutes = tuple(bars)
        if minutes and instrument in self._late:
            newest = max(bar.close_ts for bar in minutes)
            if minutes[0].timeframe is Timeframe.M1:
                self._late[instrument] = max(self._late[instrument], newest)
            elif not self._late[instrument]:
                self._late[instrument] = newest
        if minutes and minutes[0].timeframe is Timeframe.M30:
            return series.merge_half_hours(minutes, self._through(instrument))
        if not self._running and minutes:
            self._closed_to(max(self._closed_through, max(map(_open_ts, minutes)) + MINUTE))
        taken = series.merge(minutes, self._through(instrument))
        self._plan()
        return taken

    def fold(self, timeframe: Timeframe) -> bool:
        """From now on a timeframe is folded too, as if it had been from the start: what of it has closed is
        here and not announced. False where it was.
        """
        if timeframe in self.timeframes:
            return False
        self._folded = Folded((*self.timeframes, timeframe))
        self.timeframes = (Timeframe.M1, *self._folded.longer)
        for name, series in self._series.items():
            series.fold(timeframe, self._folded, self._through(name))
        self._plan()
        return True

    # -- reading -------------------------------------------------------------------------------------

    def bars(self, instrument: str, timeframe: Timeframe) -> tuple[Bar, ...]:
        """The newest closed bars, oldest first; the same tuple until the next one closes."""
        series = self._series.get(instrument)
        return series.closed(timeframe, self._through(instrument)) if series else ()

    def since(self, instrument: str, timeframe: Timeframe, open_ts: int) -> Sequence[Bar]:
        """All closed bars that are here and opened at an instant (nanoseconds UTC) or later, oldest first:
        more than the newest, where it is folded.
        """
        series = self._series.get(instrument)
        return series.since(timeframe, open_ts, self._through(instrument)) if series else ()

    def minute_before(self, instrument: str, open_ts: int) -> Bar | None:
        """The newest closed minute that opened before an instant, nanoseconds UTC, of those that are kept."""
        series = self._series.get(instrument)
        return series.minute_before(open_ts) if series else None

    def forming(self, instrument: str, timeframe: Timeframe) -> Bar | None:
        """The bar in the making, or None while nothing has traded in its interval."""
        series = self._series.get(instrument)
        return series.forming(timeframe, self._through(instrument)) if series else None

    # -- closing ---------------------------------------------------------------------------------------

    def _close_through(self, limit: int) -> Sequence[BarsClosed]:
        if limit <= self._closed_through:
            return _NOTHING
        self._running = True
        closed: list[BarsClosed] = []
        while self._due is not None and self._due <= limit:
            bars = self._close(self._due)
            if bars:
                closed.append(BarsClosed(self._closed_through, bars))
        if limit != self._closed_through:
            self._closed_to(limit)
        return closed or _NOTHING

    def _close(self, close_ts: int, told: Bar | None = None) -> tuple[Bar, ...]:
        """What closes at a boundary; `told` is the only minute of it, where that is closed already."""
        bars = self._closing(self._sorted, close_ts, told)
        self._closed_to(close_ts)
        self._plan()
        return bars

    def _closing(self, of: tuple[BarSeries, ...], close_ts: int, told: Bar | None = None) -> tuple[Bar, ...]:
        """What some instruments have that ends at a boundary."""
        if told is None:
            bars = [bar for series in of if (bar := series.close_minute(close_ts)) is not None]
        else:
            bars = [told]
        folded = self._folded
        for timeframe, nanos in folded.even:
            if close_ts % nanos:
                if folded.nested:
                    break  # no longer one ends here either
                continue
            for series in of:
                bar = series.close_frame(timeframe, close_ts - nanos, close_ts)
                if bar is not None:
                    bars.append(bar)
        for timeframe in folded.by_calendar:
            for series in of:
                bar = series.close_session_frame(timeframe, close_ts)
                if bar is not None:
                    bars.append(bar)
        return tuple(bars)

    def _closed_to(self, ts: int) -> None:
        self._closed_through = ts
        self._timer = ts + MINUTE + self._grace_ns

    def _plan(self) -> None:
        closed_through = self._closed_through
        first: int | None = None
        for series in self._sorted:
            due = series.next_due(closed_through)
            if due is not None and (first is None or due < first):
                first = due
            if series.coverage.blind:
                series.coverage.forget_blindness(closed_through - self._folded.longest)
        self._due = first

    def forget(self, instrument: str, ts: int) -> None:
        """Drop everything of an instrument: from `ts` on its stream is another contract month's."""
        if instrument in self._series:
            self._add(instrument, ts)
            self._plan()

    def _chosen(self, instrument: str | None) -> tuple[BarSeries, ...]:
        """Those whose stream has a beginning and holes: late minutes are told whole, however late."""
        if instrument is None:
            return self._sorted
        if instrument in self._late:
            return ()
        return (self._series.get(instrument) or self._add(instrument),)

    def _add(self, instrument: str, since: int | None = None) -> BarSeries:
        series = self._series[instrument] = BarSeries(
            instrument, self._keep, self._folded, self._calendars.get(instrument, CME)
        )
        if instrument in self._late:
            self._late[instrument] = 0
        self._sort()
        since = self._up_since if since is None else since
        if since is not None and instrument not in self._late:
            series.coverage.stream_begins(since)
        return series

    def _sort(self) -> None:
        """Those that time closes, by name."""
        self._sorted = tuple(self._series[name] for name in sorted(self._series) if name not in self._late)
