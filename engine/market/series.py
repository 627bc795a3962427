"""The closed bars of one instrument on all timeframes, and what is known about their completeness."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter

from msgspec.structs import replace

from engine.market.candles import Candle, aggregate, floor_to, resample
from engine.model.market import MINUTE, Bar, Timeframe

_open_ts = attrgetter("open_ts")

HIGHER = (Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1)
"""The frames that are made of minute bars, in the order in which they are delivered; each holds the one
before it a whole number of times, so their boundaries are nested.
"""

_HIGHER_NANOS = tuple(timeframe.nanos for timeframe in HIGHER)
_NEVER = 1 << 62
_HOUR = Timeframe.H1.nanos


class BarSeries:
    """Bars by timeframe, bounded to the newest `keep`; keys (timeframe, open time) are unique."""

    __slots__ = (
        "_closed",
        "_history_end",
        "_history_start",
        "_keep",
        "_let_go",
        "_snapshots",
        "blind",
        "blind_since",
        "candles",
        "instrument",
        "known_from",
        "live_from",
        "venue_finals",
    )

    def __init__(self, instrument: str, keep: int) -> None:
        self.instrument = instrument
        self.candles: dict[int, Candle] = {}
        """Minutes in the making by open time: the open one, and the next while the barrier waits."""
        self.venue_finals: dict[int, Bar] = {}
        """History for minutes that have not closed here yet: it wins over the candle."""
        self.live_from = _NEVER
        """Open time of the first minute that the stream covers from its beginning."""
        self.known_from = _NEVER
        """The same with history: nothing older is known."""
        self.blind_since: int | None = None
        self.blind: list[tuple[int, int]] = []
        """Times in which nothing was heard, as far as an open bar may touch them."""
        self._history_start = _NEVER
        self._history_end = 0
        """History was loaded from its start to its end, without a hole."""
        self._let_go = 0
        """Open time of the newest minute that was here once and is kept no more."""
        self._keep = keep
        self._closed: dict[Timeframe, list[Bar]] = {timeframe: [] for timeframe in Timeframe}
        self._snapshots: dict[Timeframe, tuple[Bar, ...]] = {}

    # -- reading -------------------------------------------------------------------------------------

    def closed(self, timeframe: Timeframe) -> tuple[Bar, ...]:
        """The newest closed bars, oldest first; the same tuple until the next one closes."""
        found = self._snapshots.get(timeframe)
        if found is None:
            found = self._snapshots[timeframe] = tuple(self._closed[timeframe][-self._keep :])
        return found

    def forming(self, timeframe: Timeframe, closed_through: int) -> Bar | None:
        """The bar in the making, or None while nothing has traded in its interval."""
        candles = sorted(self.candles.values(), key=lambda candle: candle.open_ts)
        if timeframe is Timeframe.M1:
            return candles[-1].bar(self.instrument, timeframe) if candles else None
        newest = candles[-1].open_ts if candles else closed_through
        open_ts = floor_to(newest, timeframe)
        parts = self._minutes_since(open_ts)
        parts += [c.bar(self.instrument, Timeframe.M1) for c in candles if c.open_ts >= open_ts]
        return aggregate(parts, timeframe) if parts else None

    def next_due(self, closed_through: int) -> int | None:
        """The next minute boundary at which something of this instrument closes."""
        due = _NEVER
        for open_minutes in (self.candles, self.venue_finals):
            if open_minutes:
                due = min(due, min(open_minutes) + MINUTE)
        minutes = self._closed[Timeframe.M1]
        if minutes:
            newest = minutes[-1].open_ts
            for nanos in _HIGHER_NANOS:
                end = newest - newest % nanos + nanos
                if end > closed_through:
                    if end < due:
                        due = end
                    break
        return None if due == _NEVER else due

    # -- closing -------------------------------------------------------------------------------------

    def close_minute(self, close_ts: int) -> Bar | None:
        """Make the minute that ends at `close_ts` final. None if it was quiet or only partly seen."""
        open_ts = close_ts - MINUTE
        candle = self.candles.pop(open_ts, None)
        bar = self.venue_finals.pop(open_ts, None)
        if bar is None and candle is not None and open_ts >= self.live_from:
            bar = candle.bar(self.instrument, Timeframe.M1, self._was_blind(open_ts, close_ts))
        if bar is not None:
            self._append(bar)
        return bar

    def close_frame(self, timeframe: Timeframe, close_ts: int) -> Bar | None:
        """Make the frame that ends at `close_ts` final, out of its final minutes."""
        open_ts = close_ts - timeframe.nanos
        minutes = self._minutes_since(open_ts)
        if not minutes or open_ts < self.known_from:
            return None
        bar = aggregate(minutes, timeframe, self._was_blind(open_ts, close_ts))
        self._append(bar)
        return bar

    def _minutes_since(self, open_ts: int) -> list[Bar]:
        minutes = self._closed[Timeframe.M1]
        start = len(minutes)
        while start and minutes[start - 1].open_ts >= open_ts:
            start -= 1
        return minutes[start:]

    def _append(self, bar: Bar) -> None:
        closed = self._closed[bar.timeframe]
        closed.append(bar)
        if len(closed) > 2 * self._keep:
            self._trim(bar.timeframe)
        self._snapshots.pop(bar.timeframe, None)

    def _trim(self, timeframe: Timeframe) -> None:
        closed = self._closed[timeframe]
        if len(closed) > self._keep:
            if timeframe is Timeframe.M1:
                self._let_go = closed[-self._keep - 1].open_ts
            del closed[: -self._keep]

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
        if told[0].open_ts >= self._history_start:
            begin = bisect_right(told, self._let_go, key=_open_ts)
        taken: list[Bar] = []
        last = 0
        for bar in islice(told, begin, None):
            open_ts = bar.open_ts
            if open_ts not in have and open_ts != last:
                taken.append(bar if bar.backfilled else replace(bar, backfilled=True))
            last = open_ts
        self._learn_coverage(told[0].open_ts, told[-1].close_ts)
        present = bisect_right(taken, closed_through, key=_close_ts)
        for bar in islice(taken, present, None):
            self.venue_finals[bar.open_ts] = bar
        if present:
            self._add_past(taken[:present], closed_through)
        return len(taken)

    def _checked(self, history: Iterable[Bar]) -> Sequence[Bar]:
        """The bars, oldest first. Raises ValueError for those of something else."""
        told = history if isinstance(history, tuple) else tuple(history)
        newest = 0
        in_order = True
        for bar in told:
            if bar.timeframe is not Timeframe.M1 or bar.instrument != self.instrument:
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
        begin = bisect_left(minutes, floor_to(past[0].open_ts, Timeframe.H1), key=_open_ts)
        end = bisect_left(minutes, floor_to(past[-1].open_ts, Timeframe.H1) + _HOUR, key=_open_ts)
        parts: Iterable[Bar] = islice(minutes, begin, end)
        for timeframe in HIGHER:
            nanos = timeframe.nanos
            longer = list(resample(parts, timeframe))
            touched = {bar.open_ts - bar.open_ts % nanos for bar in past}
            self._complete(timeframe, longer, touched, closed_through)
            parts = longer  # each frame is whole in the next one
        self._trim(Timeframe.M1)
        self._snapshots.clear()

    def _complete(
        self, timeframe: Timeframe, longer: list[Bar], touched: set[int], closed_through: int
    ) -> None:
        """Add the longer bars that new minutes make possible."""
        frame = self._closed[timeframe]
        nanos = timeframe.nanos
        wanted = touched.difference(bar.open_ts for bar in frame)
        known_from, latest = self.known_from, closed_through - nanos
        added: list[Bar] = []
        for bar in longer:
            open_ts = bar.open_ts
            if open_ts in wanted and known_from <= open_ts <= latest:
                gap = bar.gap or self._was_blind(open_ts, open_ts + nanos)
                if gap is not bar.gap or not bar.backfilled:
                    bar = replace(bar, backfilled=True, gap=gap)
                added.append(bar)
        if added:
            in_order = not frame or added[0].open_ts > frame[-1].open_ts
            frame += added
            if not in_order:
                frame.sort(key=_open_ts)
            self._trim(timeframe)

    # -- completeness --------------------------------------------------------------------------------

    def stream_begins(self, ts: int) -> None:
        """The stream is complete from `ts` on; the minute in which it begins is only partly seen."""
        if self.live_from == _NEVER:
            self.live_from = -(-ts // MINUTE) * MINUTE
            self.known_from = min(self.known_from, self.live_from)

    def mark_blind(self, start: int, end: int) -> None:
        """Nothing was heard in [start, end)."""
        if end > start:
            self.blind.append((start, end))

    def forget_blindness(self, before: int) -> None:
        """Drop blind times that no open bar can touch any more."""
        self.blind = [span for span in self.blind if span[1] > before]

    def _was_blind(self, start: int, end: int) -> bool:
        if self.blind_since is not None and self.blind_since < end:
            return True
        if self._history_end < end and start < self.live_from and self._history_end < self.live_from:
            return True  # between the end of history and the first whole minute of the stream
        return bool(self.blind) and any(since < end and until > start for since, until in self.blind)

    def _learn_coverage(self, start: int, end: int) -> None:
        """History knows [start, end)."""
        blind: list[tuple[int, int]] = []
        for since, until in self.blind:
            if since < start:
                blind.append((since, min(until, start)))
            if until > end:
                blind.append((max(since, end), until))
        self.blind = [span for span in blind if span[1] > span[0]]
        self.known_from = min(self.known_from, start)
        self._history_start = start if start > self._history_end else min(self._history_start, start)
        self._history_end = max(self._history_end, end)


def _close_ts(bar: Bar) -> int:
    return bar.open_ts + MINUTE
