"""The signals of all instruments on all timeframes, worked out only when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from engine.market.bars import BarsClosed, MinuteBars
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_in
from engine.market.order_books import OrderBooks
from engine.model.chart import AlignmentView, CurveView, FrameView, ZoneView
from engine.model.events import Depth
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.signals.alignment import USUAL_ALIGNMENT, Alignment, AlignmentConfig, align
from engine.signals.chart_curves import ChartIndicator, VwapTrail, indicator_curves, vwap_curves
from engine.signals.chart_zones import session_lines, zones_of
from engine.signals.frame import FrameSignals
from engine.signals.indicators.followed import FollowedIndicators
from engine.signals.mood import Moods
from engine.signals.order_flow import OrderFlow
from engine.signals.regime import RegimeDetector
from engine.signals.sessions import SessionLevels, SessionVwap, VolumeByTime

_Key = tuple[str, Timeframe]
Made = TypeVar("Made")

MOST_UNREAD = 16_384
"""Boundaries that are kept unread: eleven trading days, a few MB a contract."""


class SignalBoard:
    """Holds one FrameSignals per instrument and timeframe and keeps it up with the closed bars.

    A close is only noted; bars are digested when their frame is asked for, or by whoever has time to spare
    (`catch_up`). It comes to the same: a signal depends on the sequence of closed bars alone.
    """

    def __init__(
        self, instruments: Mapping[str, Instrument], bars: MinuteBars, books: OrderBooks | None = None
    ) -> None:
        """`books` are the order books that are told; without them nobody tells any."""
        self._books = OrderBooks(Counter()) if books is None else books
        self.depth_wanted: set[str] = set()
        """Of which a strategy wants the order book."""
        self._instruments = instruments
        self._bars = bars
        self._frames: dict[_Key, FrameSignals] = {}
        self.most_unread = MOST_UNREAD
        """So many closes are kept unread before they are digested unasked."""
        self._unread: list[BarsClosed] = []
        """What closed since anybody looked, oldest first."""
        self._queued: dict[_Key, list[Bar]] = {}
        """What of it is read and not digested."""
        self._alignments: dict[str, dict[AlignmentConfig, Alignment]] = {}
        self.weighing = USUAL_ALIGNMENT
        """How the timeframes are weighed for people: as the first bot does it that says how."""
        self._shown: dict[_Key, FrameSignals] = {}
        """Of timeframes that nobody folds: made for charts alone."""
        self._followed = FollowedIndicators(bars.since)
        self._pictured = FollowedIndicators(bars.since)
        """Of charts alone."""
        self.flows: dict[str, OrderFlow] = {}
        """Whose prints are counted by who wanted them: those that somebody has asked for."""
        self.moods = Moods()
        """What texts think of the instruments."""
        self._through = 0
        """Up to when bars are known here, nanoseconds UTC: several boundaries may close at once, and each is
        told by itself.
        """

    def on_closed(self, closed: BarsClosed) -> None:
        """Take in what closed at one boundary. Call it before any strategy sees the same bars."""
        self._unread.append(closed)
        self._through = closed.ts
        if len(self._unread) >= self.most_unread:
            self.catch_up()

    def catch_up(self, most: int | None = None) -> None:
        """Digest what nobody has asked for yet, at most so many bars: a later question waits less."""
        self._read()
        for key, queue in self._queued.items():
            bars = queue[:most]
            del queue[:most]
            frame = self._made(key)
            for bar in bars:
                frame.add(bar)
            if most is not None:
                most -= len(bars)
                if not most:
                    return

    def warm_up(self, instrument: str, *, by_calendar: bool = False) -> None:
        """Start the instrument's signals over from the bars that are kept: history was merged. `by_calendar`:
        that of timeframes of sessions alone.
        """
        self._read()
        self._alignments.pop(instrument, None)
        self._followed.forget(instrument)
        self._pictured.forget(instrument)
        minutes = self._bars.bars(instrument, Timeframe.M1)
        if minutes:
            self._through = max(self._through, minutes[-1].close_ts)
        for timeframe in Timeframe:
            self._shown.pop((instrument, timeframe), None)
        for timeframe in self._bars.timeframes:
            if by_calendar and not timeframe.by_calendar:
                continue
            self._frames[instrument, timeframe] = self._new(instrument, timeframe)
            self._queued[instrument, timeframe] = list(self._bars.bars(instrument, timeframe))

    def begin(self, timeframe: Timeframe) -> None:
        """A timeframe is folded from now on: its signals begin with the bars that are kept."""
        for instrument in self._instruments:
            self._shown.pop((instrument, timeframe), None)
            self._queued[instrument, timeframe] = list(self._bars.bars(instrument, timeframe))

    def instrument(self, symbol: str) -> Instrument:
        """The instrument's specification. Raises KeyError for an unknown one."""
        return self._instruments[symbol]

    def frame(self, instrument: str, timeframe: Timeframe) -> FrameSignals:
        """The signals of one series at its newest close. Raises ValueError where nobody folds it."""
        if self._unread:
            self._read()
        key = instrument, timeframe
        frame = self._made(key)
        queue = self._queued.get(key)
        if queue:
            for bar in queue:
                frame.add(bar)
            queue.clear()
        return frame

    def follow(
        self,
        instrument: str,
        timeframe: Timeframe,
        kind: Callable[..., Made],
        *arguments: Any,
        of: str | None = None,
    ) -> Made:
        """An indicator of one series at its newest close, made by `kind(*arguments)` when it is first asked
        for; anything with `add` will do. `of="volume"` feeds it that of each bar (docs/indicators.md).
        """
        return self._followed.get(instrument, timeframe, kind, arguments, of, self._through)

    def session(self, instrument: str) -> SessionLevels:
        """Open, high and low of the running session, of its night and of its regular hours."""
        return self.follow(instrument, Timeframe.M1, SessionLevels, self._calendar(instrument))

    def vwap(self, instrument: str) -> SessionVwap:
        """Mean price of the running session by volume, with its bands."""
        return self.follow(instrument, Timeframe.M1, SessionVwap, self._calendar(instrument))

    def volume_by_time(self, instrument: str, timeframe: Timeframe) -> VolumeByTime:
        """Volume of the newest bar against that of its time of day in the sessions before."""
        return self.follow(instrument, timeframe, VolumeByTime, self._calendar(instrument))

    def regime(self, instrument: str, timeframe: Timeframe) -> RegimeDetector:
        """Whether a timeframe trends, ranges or is volatile."""
        return self.follow(instrument, timeframe, RegimeDetector)

    def order_flow(self, instrument: str) -> OrderFlow:
        """Who wanted what traded. It is counted from when somebody asks for it: ask at the first close."""
        found = self.flows.get(instrument)
        if found is None:
            found = self.flows[instrument] = OrderFlow(self._calendar(instrument))
        return found

    def depth(self, instrument: str) -> Depth | None:
        """The newest order book; it is asked for at the venue from when a strategy asks here first, so that
        it comes a moment later. None before that, while it is broken, and where the venue tells none.
        """
        self.depth_wanted.add(instrument)
        found = self._books.newest.get(instrument)
        return None if found is None or found.broken else found

    def _calendar(self, instrument: str) -> Calendar:
        return calendar_in(self._instruments, instrument)

    def _read_off(self, instrument: str, timeframe: Timeframe) -> FrameSignals:
        """The signals of bars that are made for whoever looks at them."""
        key = instrument, timeframe
        frame = self._shown.get(key)
        if frame is None:
            frame = self._shown[key] = self._new(*key)
        for bar in self._bars.bars(*key):
            frame.add(bar)
        return frame

    def _made(self, key: _Key) -> FrameSignals:
        frame = self._frames.get(key)
        if frame is None:
            if key[1] not in self._bars.timeframes:
                remedy = "name it among the strategy's or the bot's timeframes"
                raise ValueError(f"{key[1]} is not folded in this run: {remedy}")
            frame = self._frames[key] = self._new(*key)
        return frame

    def _new(self, instrument: str, timeframe: Timeframe) -> FrameSignals:
        return FrameSignals(instrument, timeframe, calendar=calendar_in(self._instruments, instrument))

    def _read(self) -> None:
        for closed in self._unread:
            for bar in closed.bars:
                self._queued.setdefault((bar.instrument, bar.timeframe), []).append(bar)
                self._alignments.pop(bar.instrument, None)
        self._unread.clear()

    def alignment(self, instrument: str, config: AlignmentConfig = USUAL_ALIGNMENT) -> Alignment:
        """How far the timeframes of an instrument agree at their newest closes."""
        if self._unread:
            self._read()
        known = self._alignments.setdefault(instrument, {})
        found = known.get(config)
        if found is None:
            readings = {frame: self.frame(instrument, frame).reading for frame in config.timeframes}
            found = known[config] = align(readings, config)
        return found

    def bars(self, instrument: str, timeframe: Timeframe) -> Sequence[Bar]:
        """The closed bars that are kept of a series, oldest first."""
        return self._bars.bars(instrument, timeframe)

    def hour(self, instrument: str, ts: int) -> int:
        """Of the clock of the instrument's calendar, 0 to 23."""
        return int(calendar_in(self._instruments, instrument).hhmm(ts)[:2])

    # -- pictures --------------------------------------------------------------------------------------

    def frame_view(self, instrument: str, timeframe: Timeframe, weight_pct: int) -> FrameView:
        frame = self.frame(instrument, timeframe)
        return FrameView(
            timeframe,
            frame.reading.direction,
            round(frame.reading.strength * 100),
            weight_pct,
            frame.words(self._instruments[instrument]),
        )

    def alignment_view(self, instrument: str) -> AlignmentView:
        """Every timeframe, the score and what it means, in words."""
        alignment = self.alignment(instrument, self.weighing)
        objection = alignment.objection
        side = "long" if alignment.direction > 0 else "short"
        return AlignmentView(
            instrument,
            tuple(self.frame_view(instrument, *weighed) for weighed in self.weighing.weights),
            alignment.score_tenths,
            alignment.direction,
            alignment.agreeing,
            f"no trade: {objection}" if objection else side,
            self._reasons(instrument, alignment),
            alignment.parts,
        )

    def _reasons(self, instrument: str, alignment: Alignment) -> tuple[str, ...]:
        reasons = [f"{alignment.agreeing} of {alignment.of} agree"]
        volume = self.frame(instrument, Timeframe.M5).volume.value
        if volume is not None:
            reasons.append(f"volume {volume:.1f}x")
        reasons.append("conflict: " + ", ".join(alignment.opposing) if alignment.opposing else "no conflict")
        return tuple(reasons)

    def zones(self, instrument: str, timeframe: Timeframe) -> tuple[ZoneView, ...]:
        """What a chart shows beside its bars, prices in ticks."""
        frame = self._seen(instrument, timeframe)
        week = frame.previous_week
        if week.high is None and not timeframe.by_calendar:  # half hours reach further back than minutes
            longer = self._seen(instrument, Timeframe.H2).previous_week
            if longer.began == week.began:
                week = longer
        zones = zones_of(frame, week)
        return zones if timeframe.by_calendar else (*zones, *self._session_lines(instrument))

    def curves(
        self, instrument: str, timeframe: Timeframe, wanted: Iterable[ChartIndicator] = ()
    ) -> tuple[CurveView, ...]:
        """What a chart shows over its bars, ticks: the session's VWAP, and the indicators that are wanted."""
        bars = self._bars.bars(instrument, timeframe)
        indicators = indicator_curves(wanted, bars)
        if timeframe.by_calendar:
            return tuple(indicators)
        terms = (self._calendar(instrument),), None, self._through
        trail = self._pictured.get(instrument, Timeframe.M1, VwapTrail, *terms)
        return (*vwap_curves(trail, bars), *indicators)

    def _session_lines(self, instrument: str) -> Iterator[ZoneView]:
        """From indicators of their own: that somebody looks changes nothing for strategies."""
        of, terms = self._pictured.get, ((self._calendar(instrument),), None, self._through)
        levels = of(instrument, Timeframe.M1, SessionLevels, *terms)
        return session_lines(levels, of(instrument, Timeframe.M1, SessionVwap, *terms))

    def _seen(self, instrument: str, timeframe: Timeframe) -> FrameSignals:
        """Of a timeframe that may be folded for nobody but whoever looks at it."""
        folded = timeframe in self._bars.timeframes
        return self.frame(instrument, timeframe) if folded else self._read_off(instrument, timeframe)
