"""What tstream scan prints: the start, each close of a candle, signals, trouble, how it goes, the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from adapters.common.redaction import printable
from adapters.notify.content.formats import duration
from adapters.notify.content.signals import signal_message
from engine.books.bots import Bot
from engine.market.bars import BarsClosed
from engine.market.calendars.known import zone_mark
from engine.model.bots import BotConfig, BotMode
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.view import View
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Said
from tstream.settings.venues import SCAN

_RULE = "-" * 72
_TOLD = {NoticeKind.CONNECTION, NoticeKind.RISK, NoticeKind.FILL}
"""Told whatever their severity; of others only trouble is."""


class CandleWatch:
    """Asked like a strategy about what closes, and keeps it for whoever prints. Has no ideas."""

    name = "candles"

    def __init__(self, timeframes: Iterable[Timeframe]) -> None:
        self.timeframes = frozenset(timeframes)
        self.closed: deque[tuple[int, Bar]] = deque(maxlen=10_000)
        """With the boundary at which each closed, nanoseconds UTC, oldest first."""

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        self.closed += [(closed.ts, bar) for bar in closed.bars if bar.timeframe in self.timeframes]
        return ()

    def bot(self, contracts: Sequence[str]) -> Bot:
        """As a bot that nobody has named, asked about these contracts."""
        terms = BotConfig(
            self.name,
            self.name,
            mode=BotMode.SIGNALS,
            instruments=tuple(contracts),
            timeframes=tuple(self.timeframes),
            configured=False,
        )
        return Bot(terms, self)


class ScanScreen:
    """Makes lines of what has come. Synchronous, no clock: times are handed in, nanoseconds UTC."""

    def __init__(
        self, instruments: Sequence[Instrument], watch: CandleWatch, status_minutes: int, zone: str
    ) -> None:
        """`instruments` are those of the run; times are of `zone`."""
        self._instruments = {one.symbol: one for one in instruments}
        self._watch = watch
        self._zone = ZoneInfo(zone)
        self._status_ns = status_minutes * MINUTE
        self._started_ts = self._status_ts = 0
        self._seen = 0
        self._played: dict[str, int] = {}
        """By bot, how many of its paper trades are told."""
        self.candles = 0
        self.signals = 0

    def read(self, view: View, now: int) -> Iterator[str]:
        """What is new, in the order in which it happened."""
        self._started_ts = self._started_ts or now
        self._status_ts = self._status_ts or now
        fresh = [notice for notice in view.notices if notice.seq > self._seen]
        while self._watch.closed:
            ts, bar = self._watch.closed[0]
            while fresh and fresh[0].ts < ts:
                yield from self._notice(view, fresh.pop(0))
            self._watch.closed.popleft()
            self.candles += 1
            yield self._candle(bar)
        for notice in fresh:
            yield from self._notice(view, notice)
        yield from self._results(view, now)
        if now - self._status_ts >= self._status_ns:
            self._status_ts = now
            yield from self.status(now)

    def status(self, now: int) -> Iterator[str]:
        """How it goes."""
        runtime = now - self._started_ts
        yield f"{self._time(now)}  status"
        yield f"  Runtime: {duration(runtime)}"
        yield f"  Candles: {self.candles:,}"
        yield f"  Signals: {self.signals}"
        yield f"  Rate: {self.candles * MINUTE / runtime if runtime else 0:.1f} candles a minute"

    def ended(self, view: View, now: int) -> Iterator[str]:
        """The last words."""
        yield from self.read(view, now)
        yield _RULE
        yield "Scanner stopped."
        runtime = now - self._started_ts if self._started_ts else 0
        yield f"Runtime {duration(runtime)}; candles: {self.candles:,}; signals: {self.signals}."

    def _candle(self, bar: Bar) -> str:
        known = self._instruments[bar.instrument]
        blind = ", the feed was blind in it" if bar.gap else ""
        return (
            f"{self._time(bar.close_ts)}  {bar.instrument} {bar.timeframe} closed {known.text(bar.close)}, "
            f"volume {known.qty_text(bar.volume)}{blind}"
        )

    def _results(self, view: View, now: int) -> Iterator[str]:
        """Paper trades that have ended, each with what its signal has come to beside its backtest."""
        first = not self._played
        for bot in view.bots:
            told = bot.backtest
            if told is None:
                continue
            more = told.live_trades > self._played.get(bot.name, 0) and not first
            self._played[bot.name] = told.live_trades
            if more and told.live_mean_r is not None:
                live = f"{told.live_trades} trade{'s' * (told.live_trades != 1)} at {told.live_mean_r:+.2f} R"
                yield (
                    f"{self._time(now)}  {bot.name}: a paper trade ended; live {live}, backtest "
                    f"{told.mean_r:+.2f} R: {told.verdict}"
                )

    def _notice(self, view: View, notice: Notice) -> Iterator[str]:
        self._seen = notice.seq
        if notice.kind is NoticeKind.SIGNAL:
            self.signals += 1
            message = signal_message(view, notice)
            yield _RULE
            yield f"{self._time(notice.ts)}  {message.title}"
            for section in message.sections:
                yield from ([f"{section.title}:"] if section.title else [])
                yield from (f"  {field.name}: {field.value}" for field in section.fields)
            yield _RULE
        elif notice.kind is NoticeKind.FILL and notice.book == SCAN:
            return  # its ends are told with what they came to
        elif notice.kind in _TOLD or notice.severity in (Severity.WARNING, Severity.CRITICAL):
            book = f"{notice.book}: " if notice.kind is NoticeKind.FILL else ""
            yield f"{self._time(notice.ts)}  {printable(book + notice.text)}"

    def _time(self, ts: int) -> str:
        mark = zone_mark(self._zone.key, ts)
        return f"{datetime.fromtimestamp(ts // NANOS, self._zone):%H:%M:%S} {mark}"
