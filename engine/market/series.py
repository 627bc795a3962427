"""The closed bars of one instrument on all timeframes, and what is known about their completeness."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from engine.market.candles import Candle, aggregate, floor_to, resample
from engine.model.market import MINUTE, Bar, Timeframe

HIGHER = (Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1)
"""The frames that are made of minute bars, in the order in which they are delivered."""

_NEVER = 1 << 62


class BarSeries:
    """Bars by timeframe, bounded to the newest `keep`; keys (timeframe, open time) are unique."""

    __slots__ = (
        "_blind",
        "_closed",
        "_history_end",
        "_keep",
        "_snapshots",
        "blind_since",
        "candles",
        "instrument",
        "known_from",
        "live_from",
        "seen",
        "venue_finals",
    )

    def __init__(self, instrument: str, keep: int) -> None:
        self.instrument = instrument
        self.seen = 0
        """Newest venue time that a quote or a print of this instrument showed."""
        self.candles: dict[int, Candle] = {}
        """Minutes in the making by open time: the open one, and the next while the barrier waits."""
        self.venue_finals: dict[int, Bar] = {}
        """History for minutes that have not closed here yet: it wins over the candle."""
        self.live_from = _NEVER
        """Open time of the first minute that the stream covers from its beginning."""
        self.known_from = _NEVER
        """The same with history: nothing older is known."""
        self.blind_since: int | None = None
        self._blind: list[tuple[int, int]] = []
        self._history_end = 0
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
        due = [candle.close_ts for candle in self.candles.values()]
        due += [bar.close_ts for bar in self.venue_finals.values()]
        minutes = self._closed[Timeframe.M1]
        if minutes:
            newest = minutes[-1].open_ts
            ends = (floor_to(newest, timeframe) + timeframe.nanos for timeframe in HIGHER)
            due += [end for end in ends if end > closed_through]
        return min(due, default=None)

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
            del closed[: -self._keep]
        self._snapshots.pop(bar.timeframe, None)

    # -- history -------------------------------------------------------------------------------------

    def merge(self, history: Iterable[Bar], closed_through: int) -> int:
        """Add closed minutes of the venue's history; gives how many were new.

        A minute that is already here stays as it is: what was emitted is final. A minute that has not
        closed here yet waits for its boundary. Longer bars that history makes possible are added too,
        marked `backfilled`, whatever they are made of: nobody saw them at their time.
        """
        minutes = self._closed[Timeframe.M1]
        have = {bar.open_ts for bar in minutes}
        taken: dict[int, Bar] = {}
        covered: list[Bar] = []
        for bar in history:
            if bar.timeframe is not Timeframe.M1 or bar.instrument != self.instrument:
                raise ValueError(f"history of {self.instrument} holds {bar.instrument} {bar.timeframe}")
            covered.append(bar)
            if bar.open_ts not in have and bar.open_ts not in self.venue_finals:
                taken[bar.open_ts] = bar if bar.backfilled else replace(bar, backfilled=True)
        if not covered:
            return 0
        self._learn_coverage(min(b.open_ts for b in covered), max(b.close_ts for b in covered))
        for open_ts, bar in taken.items():
            if bar.close_ts > closed_through:
                self.venue_finals[open_ts] = bar
        past = [bar for bar in taken.values() if bar.close_ts <= closed_through]
        if past:
            minutes += past
            minutes.sort(key=_open_ts)
            for timeframe in HIGHER:
                self._complete(timeframe, past, closed_through)
            del minutes[: -self._keep]
            self._snapshots.clear()
        return len(taken)

    def _complete(self, timeframe: Timeframe, new: list[Bar], closed_through: int) -> None:
        """Add the longer bars that new minutes make possible."""
        frame = self._closed[timeframe]
        nanos = timeframe.nanos
        have = {bar.open_ts for bar in frame}
        wanted = {floor_to(bar.open_ts, timeframe) for bar in new} - have
        wanted = {ts for ts in wanted if ts >= self.known_from and ts + nanos <= closed_through}
        parts = (b for b in self._closed[Timeframe.M1] if floor_to(b.open_ts, timeframe) in wanted)
        frame += [
            replace(bar, backfilled=True, gap=bar.gap or self._was_blind(bar.open_ts, bar.close_ts))
            for bar in resample(parts, timeframe)
        ]
        frame.sort(key=_open_ts)
        del frame[: -self._keep]

    # -- completeness --------------------------------------------------------------------------------

    def stream_begins(self, ts: int) -> None:
        """The stream is complete from `ts` on; the minute in which it begins is only partly seen."""
        if self.live_from == _NEVER:
            self.live_from = -(-ts // MINUTE) * MINUTE
            self.known_from = min(self.known_from, self.live_from)

    def mark_blind(self, start: int, end: int) -> None:
        """Nothing was heard in [start, end)."""
        if end > start:
            self._blind.append((start, end))

    def forget_blindness(self, before: int) -> None:
        """Drop blind times that no open bar can touch any more."""
        if self._blind:
            self._blind = [span for span in self._blind if span[1] > before]

    def _was_blind(self, start: int, end: int) -> bool:
        if self.blind_since is not None and self.blind_since < end:
            return True
        if self._history_end < end and start < self.live_from and self._history_end < self.live_from:
            return True  # between the end of history and the first whole minute of the stream
        return any(since < end and until > start for since, until in self._blind)

    def _learn_coverage(self, start: int, end: int) -> None:
        """History knows [start, end)."""
        blind: list[tuple[int, int]] = []
        for since, until in self._blind:
            if since < start:
                blind.append((since, min(until, start)))
            if until > end:
                blind.append((max(since, end), until))
        self._blind = [span for span in blind if span[1] > span[0]]
        self.known_from = min(self.known_from, start)
        self._history_end = max(self._history_end, end)


def _open_ts(bar: Bar) -> int:
    return bar.open_ts
