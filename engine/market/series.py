"""The closed bars of one instrument on all timeframes, and what is known about their completeness."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter

from msgspec.structs import replace

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.market.candles import Candle, aggregate, resample
from engine.market.coverage import NEVER, Coverage
from engine.market.intervals import Folded, Grid, Interval
from engine.model.market import MINUTE, Bar, Timeframe

_open_ts = attrgetter("open_ts")

MINUTES_KEPT = 2 * 24 * 60
"""Whole days of minutes: a day is made of them, and so is what nobody folds until somebody looks."""
HALF_HOURS_KEPT = 90 * 48
"""What is older than the minutes is kept in half hours."""
_MINUTES_OVER = 8 * 60
"""So many more minutes may stay until the oldest are let go."""
_HOUR = Timeframe.H1.nanos
_HALF_HOUR = Timeframe.M30.nanos
_QUARTER = Timeframe.M15.nanos
"""Where no session is open, nothing closes sooner: sessions begin on half hours and end on quarters."""


class BarSeries:
    """Bars by timeframe, bounded to the newest `keep`; keys (timeframe, open time) are unique.

    What is folded closes at its end and is final. Any other timeframe is made of the minutes, and of the half
    hours before them, when somebody reads it.
    """

    __slots__ = (
        "_calendar",
        "_closed",
        "_folded",
        "_grids",
        "_grown",
        "_half_hours",
        "_keep",
        "_let_go",
        "_made",
        "_most",
        "_snapshots",
        "candles",
        "coverage",
        "instrument",
        "venue_finals",
    )

    def __init__(self, instrument: str, keep: int, folded: Folded, calendar: Calendar = CME) -> None:
        self.instrument = instrument
        self.candles: dict[int, Candle] = {}
        """Minutes in the making by open time: the open one, and the next while the barrier waits."""
        self.venue_finals: dict[int, Bar] = {}
        """History for minutes that have not closed here yet: it wins over the candle."""
        self.coverage = Coverage()
        self._let_go = 0
        """Open time of the newest minute that was here once and is kept no more."""
        self._keep = keep
        self._most = max(2 * keep, MINUTES_KEPT + _MINUTES_OVER)
        """So many bars of a timeframe there may be before the oldest are let go."""
        self._folded = folded
        self._calendar = calendar
        self._grids = {timeframe: Grid(timeframe, calendar) for timeframe in Timeframe}
        self._closed: dict[Timeframe, list[Bar]] = {one: [] for one in (Timeframe.M1, *folded.longer)}
        self._half_hours: list[Bar] = []
        """What is older than the minutes that are kept, oldest first."""
        self._snapshots: dict[Timeframe, tuple[Bar, ...]] = {}
        self._made: dict[Timeframe, tuple[int, tuple[Bar, ...]]] = {}
        """Of what is not folded: until when nothing more can close, and the bars."""
        self._grown: dict[Timeframe, tuple[int, int, Bar]] = {}
        """Of what is forming: its open, the newest minute in it, and the bar without what is open."""

    # -- reading -------------------------------------------------------------------------------------

    def closed(self, timeframe: Timeframe, closed_through: int) -> tuple[Bar, ...]:
        """The newest closed bars, oldest first; the same tuple until the next one closes."""
        found = self._snapshots.get(timeframe)
        if found is None:
            bars = self._closed.get(timeframe)
            if bars is None:
                return self._resampled(timeframe, closed_through)
            found = self._snapshots[timeframe] = tuple(bars[-self._keep :])
        return found

    def since(self, timeframe: Timeframe, open_ts: int, closed_through: int) -> Sequence[Bar]:
        """All that are here of it and opened then or later, the oldest first."""
        bars: Sequence[Bar] | None = self._closed.get(timeframe)
        if bars is None:
            bars = self.closed(timeframe, closed_through)
        first = len(bars)
        if first > 4 and bars[-4].open_ts < open_ts:  # as a rule somebody asks at every close
            while bars[first - 1].open_ts >= open_ts:
                first -= 1
            return bars[first:]
        return bars[bisect_left(bars, open_ts, key=_open_ts) :]

    def minute_before(self, open_ts: int) -> Bar | None:
        """The newest closed minute that opened before an instant."""
        minutes = self._closed[Timeframe.M1]
        at = bisect_left(minutes, open_ts, key=_open_ts)
        return minutes[at - 1] if at else None

    def _resampled(self, timeframe: Timeframe, closed_through: int) -> tuple[Bar, ...]:
        """Bars of a timeframe that nobody folds, whole ones only."""
        until, before = self._made.get(timeframe, (-1, ()))
        if closed_through < until:
            return before
        parts, known_from = self._parts_since(0, timeframe), self.coverage.since(timeframe)
        if parts and self._half_hours and len(self._half_hours) == HALF_HOURS_KEPT:
            known_from = max(known_from, parts[0].open_ts)
        made = resample(parts, timeframe, self._calendar)
        whole = [bar for bar in made if bar.open_ts >= known_from and bar.close_ts <= closed_through]
        found = tuple(whole[-self._keep :])
        if found == before:
            found = before
        open_now = self._grids[timeframe].at(closed_through)
        self._made[timeframe] = open_now[1] if open_now else closed_through + _QUARTER, found
        return found

    def forming(self, timeframe: Timeframe, closed_through: int) -> Bar | None:
        """The bar in the making, or None while nothing has traded in its interval."""
        candles = sorted(self.candles.values(), key=lambda candle: candle.open_ts)
        if timeframe is Timeframe.M1:
            return candles[-1].bar(self.instrument, timeframe) if candles else None
        interval = self._grids[timeframe].at(candles[-1].open_ts if candles else closed_through)
        if interval is None:
            return None
        grown = self._grown_in(timeframe, interval)
        parts = [] if grown is None else [grown]
        parts += [c.bar(self.instrument, Timeframe.M1) for c in candles if c.open_ts >= interval[0]]
        return aggregate(parts, timeframe, interval=interval) if parts else None

    def _grown_in(self, timeframe: Timeframe, interval: Interval) -> Bar | None:
        """What has closed of an interval, as one bar."""
        minutes = self._closed[Timeframe.M1]
        start, newest = interval[0], minutes[-1].open_ts if minutes else 0
        known = self._grown.get(timeframe)
        if known is not None and known[:2] == (start, newest):
            return known[2]
        parts = self._parts_since(start, timeframe)
        if not parts:
            return None
        bar = aggregate(parts, timeframe, interval=interval)
        self._grown[timeframe] = start, newest, bar
        return bar

    def next_due(self, closed_through: int) -> int | None:
        """The next minute boundary at which something of this instrument closes."""
        due = NEVER
        for open_minutes in (self.candles, self.venue_finals):
            if open_minutes:
                due = min(due, min(open_minutes) + MINUTE)
        minutes = self._closed[Timeframe.M1]
        if minutes:
            newest = minutes[-1].open_ts
            folded = self._folded
            for _, nanos in folded.even:
                end = newest - newest % nanos + nanos
                if end > closed_through:
                    if end < due:
                        due = end
                    if folded.nested:
                        break
            for timeframe in folded.by_calendar:
                interval = self._grids[timeframe].at(newest)
                if interval is not None and closed_through < interval[1] < due:
                    due = interval[1]
        return None if due == NEVER else due

    # -- closing -------------------------------------------------------------------------------------

    def close_minute(self, close_ts: int) -> Bar | None:
        """Make the minute that ends at `close_ts` final. None if it was quiet or only partly seen."""
        open_ts = close_ts - MINUTE
        candle = self.candles.pop(open_ts, None)
        bar = self.venue_finals.pop(open_ts, None)
        if bar is None and candle is not None and open_ts >= self.coverage.live_from:
            bar = candle.bar(self.instrument, Timeframe.M1, self.coverage.was_blind(open_ts, close_ts))
        if bar is not None:
            self._append(bar)
        return bar

    def add_minute(self, bar: Bar) -> None:
        """A minute that a feed tells closed is final."""
        minutes = self._closed[Timeframe.M1]
        minutes.append(bar)
        if len(minutes) > self._most:
            self._let_minutes_go(minutes)
        self._snapshots.pop(Timeframe.M1, None)

    def close_frame(self, timeframe: Timeframe, open_ts: int, close_ts: int) -> Bar | None:
        """Make a frame of UTC's grid final, out of its final minutes."""
        minutes = self._minutes_since(open_ts)
        if not minutes or open_ts < self.coverage.known_from:
            return None
        bar = aggregate(minutes, timeframe, self.coverage.was_blind(open_ts, close_ts))
        self._append(bar)
        return bar

    def close_session_frame(self, timeframe: Timeframe, close_ts: int) -> Bar | None:
        """Make a frame of the session final if it ends at `close_ts`."""
        interval = self._grids[timeframe].at(close_ts - MINUTE)
        if interval is None or interval[1] != close_ts:
            return None
        open_ts = interval[0]
        parts = self._parts_since(open_ts, timeframe)
        if not parts or open_ts < self.coverage.since(timeframe):
            return None
        bar = aggregate(parts, timeframe, self.coverage.was_blind(open_ts, close_ts), interval)
        self._append(bar)
        return bar

    def _minutes_since(self, open_ts: int) -> list[Bar]:
        minutes = self._closed[Timeframe.M1]
        start = len(minutes)
        while start and minutes[start - 1].open_ts >= open_ts:
            start -= 1
        return minutes[start:]

    def _parts_since(self, open_ts: int, timeframe: Timeframe) -> list[Bar]:
        """What a longer bar is made of from an instant on: minutes, and the half hours before them."""
        past = self._half_hours
        minutes = self._closed[Timeframe.M1]
        if not timeframe.by_calendar or not past or past[-1].open_ts < open_ts:
            return minutes[bisect_left(minutes, open_ts, key=_open_ts) :]
        begin = bisect_left(minutes, past[-1].close_ts, key=_open_ts)
        return past[bisect_left(past, open_ts, key=_open_ts) :] + minutes[begin:]

    def _append(self, bar: Bar) -> None:
        closed = self._closed[bar.timeframe]
        closed.append(bar)
        if len(closed) > self._most:
            self._trim(bar.timeframe)
        self._snapshots.pop(bar.timeframe, None)

    def _trim(self, timeframe: Timeframe) -> None:
        closed = self._closed[timeframe]
        if timeframe is Timeframe.M1:
            self._let_minutes_go(closed)
        elif len(closed) > self._keep:
            del closed[: -self._keep]

    def _let_minutes_go(self, minutes: list[Bar]) -> None:
        """The oldest minutes become half hours."""
        if len(minutes) <= self._most:
            return
        keep = max(self._keep, MINUTES_KEPT)
        first = minutes[-keep].open_ts
        end = bisect_left(minutes, first - first % _HALF_HOUR, key=_open_ts)
        if not end:
            return
        past = self._half_hours
        self._let_go = minutes[end - 1].open_ts
        since = max(past[-1].close_ts if past else 0, self.coverage.known_from)
        past += resample((bar for bar in minutes[:end] if bar.open_ts >= since), Timeframe.M30)
        del past[:-HALF_HOURS_KEPT]
        del minutes[:end]

    # -- history -------------------------------------------------------------------------------------

    def merge(self, history: Iterable[Bar], closed_through: int) -> int:
        """Add closed minutes of the venue's history; gives how many were new.

        A minute that is already here stays as it is: what was emitted is final. A minute that has not
        closed here yet waits for its boundary. Longer bars that history makes possible are added too,
        marked `backfilled`, whatever they are made of: nobody saw them at their time.

        History is loaded anew after every gap, and nearly all of it is known then: minutes that were here
        and were let go since do not count as new.
        """
        told = self._checked(history)
        if not told:
            return 0
        minutes = self._closed[Timeframe.M1]
        have = {bar.open_ts for bar in minutes}
        have.update(self.venue_finals)
        begin = 0
        if told[0].open_ts >= self.coverage.history_start:
            begin = bisect_right(told, self._let_go, key=_open_ts)
        taken: list[Bar] = []
        last = 0
        for bar in islice(told, begin, None):
            open_ts = bar.open_ts
            if open_ts not in have and open_ts != last:
                taken.append(bar if bar.backfilled else replace(bar, backfilled=True))
            last = open_ts
        self.coverage.learn(told[0].open_ts, told[-1].close_ts)
        present = bisect_right(taken, closed_through, key=_close_ts)
        for bar in islice(taken, present, None):
            self.venue_finals[bar.open_ts] = bar
        if present:
            self._add_past(taken[:present], closed_through)
        return len(taken)

    def _checked(self, history: Iterable[Bar], timeframe: Timeframe = Timeframe.M1) -> Sequence[Bar]:
        """The bars, oldest first. Raises ValueError for those of something else."""
        told = history if isinstance(history, tuple) else tuple(history)
        newest = 0
        in_order = True
        for bar in told:
            if bar.timeframe is not timeframe or bar.instrument != self.instrument:
                raise ValueError(f"history of {self.instrument} holds {bar.instrument} {bar.timeframe}")
            in_order = in_order and bar.open_ts >= newest
            newest = bar.open_ts
        return told if in_order else sorted(told, key=_open_ts)

    def _add_past(self, past: list[Bar], closed_through: int) -> None:
        minutes = self._closed[Timeframe.M1]
        in_order = not minutes or past[0].open_ts > minutes[-1].open_ts
        minutes += past
        if not in_order:
            minutes.sort(key=_open_ts)
        hour = past[0].open_ts - past[0].open_ts % _HOUR
        begin = bisect_left(minutes, hour, key=_open_ts)
        end = bisect_left(minutes, past[-1].open_ts - past[-1].open_ts % _HOUR + _HOUR, key=_open_ts)
        parts: Sequence[Bar] = minutes[begin:end]
        made = parts
        for timeframe, nanos in self._folded.even:
            if not made or nanos % made[0].timeframe.nanos:
                made = parts
            made = list(resample(made, timeframe))
            touched = {bar.open_ts - bar.open_ts % nanos for bar in past}
            self._complete(timeframe, made, touched, closed_through)
        self._add_session_frames(past, closed_through)
        self._trim(Timeframe.M1)
        self._snapshots.clear()
        self._made.clear()
        self._grown.clear()

    def _add_session_frames(self, past: Sequence[Bar], closed_through: int) -> None:
        """Add the bars of sessions that new minutes, or half hours before them, make possible."""
        for timeframe in self._folded.by_calendar:
            at = self._grids[timeframe].at
            touched = {interval[0] for bar in past if (interval := at(bar.open_ts)) is not None}
            if touched:
                parts = self._parts_since(min(touched), timeframe)
                made = list(resample(parts, timeframe, self._calendar))
                self._complete(timeframe, made, touched, closed_through)

    def _complete(
        self, timeframe: Timeframe, longer: list[Bar], touched: set[int], closed_through: int
    ) -> None:
        """Add the longer bars that new minutes make possible."""
        frame = self._closed[timeframe]
        wanted = touched.difference(bar.open_ts for bar in frame)
        known_from = self.coverage.since(timeframe)
        added: list[Bar] = []
        for bar in longer:
            open_ts = bar.open_ts
            if open_ts in wanted and known_from <= open_ts and bar.close_ts <= closed_through:
                gap = bar.gap or self.coverage.was_blind(open_ts, bar.close_ts)
                if gap is not bar.gap or not bar.backfilled:
                    bar = replace(bar, backfilled=True, gap=gap)
                added.append(bar)
        if added:
            in_order = not frame or added[0].open_ts > frame[-1].open_ts
            frame += added
            if not in_order:
                frame.sort(key=_open_ts)
            self._trim(timeframe)

    def fold(self, timeframe: Timeframe, folded: Folded, closed_through: int) -> None:
        """One more of `folded` is folded: what has closed of it is added as history's would be."""
        self._folded = folded
        self._closed[timeframe] = []
        made = list(resample(self._parts_since(0, timeframe), timeframe, self._calendar))
        self._complete(timeframe, made, {bar.open_ts for bar in made}, closed_through)
        self._made.pop(timeframe, None)

    def merge_half_hours(self, history: Iterable[Bar], closed_through: int) -> int:
        """Put the venue's half hours before what is known; gives how many were new."""
        told = self._checked(history, Timeframe.M30)
        past, minutes = self._half_hours, self._closed[Timeframe.M1]
        known = past[0].open_ts if past else minutes[0].open_ts if minutes else closed_through
        known += -known % _HALF_HOUR
        taken: list[Bar] = []
        for bar in told:
            if bar.close_ts <= known and not (taken and taken[-1].open_ts == bar.open_ts):
                taken.append(bar if bar.backfilled else replace(bar, backfilled=True))
        if taken:
            past[:0] = taken[-HALF_HOURS_KEPT:]
            self.coverage.half_hours_from = past[0].open_ts
            self._add_session_frames(past, closed_through)
            self._made.clear()
            self._grown.clear()
            self._snapshots.clear()
        return len(taken)


def _close_ts(bar: Bar) -> int:
    return bar.open_ts + MINUTE
