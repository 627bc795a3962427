"""One backtest: a market of the past through the core that trades, against the one venue of the code.

Nothing here knows files or processes: a market comes in, trades and the equity come out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from engine.books.bots import Bot, needed
from engine.core import Core
from engine.lab.curve import Curve, Point
from engine.lab.replay import BOOK, START_BALANCE_USD, Replay
from engine.lab.second_opinion import opinion_report
from engine.lab.summary import Summary, summarise
from engine.market.bars import as_minute
from engine.market.calendars.known import calendar_of
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.decision import OpinionConfig
from engine.model.events import BarReported
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, Bar, Timeframe
from engine.model.records import AnyRecord, FillApplied
from engine.model.sizing import Sizing
from engine.portfolio.statistics import Statistics, statistics
from engine.ports import PastMarket, PromptPredictor
from engine.signals.market_data import MINUTES_SEEN
from engine.state.position import Trade
from engine.venue.fill_model import FillModel
from engine.venue.paper import CAPABILITIES

POINTS = 2_000
"""Stretches of time into which the equity of a run is divided."""

DAY = 24 * 60 * MINUTE


class BacktestTerms(Struct, frozen=True):
    """On what a backtest trades."""

    risk: RiskLimits = RiskLimits()
    sizing: Sizing | None = None
    balance_usd: Decimal = START_BALANCE_USD
    model: FillModel = FillModel()
    install: str = "backtest"
    """Stands in client ids."""
    opinion: OpinionConfig = OpinionConfig()


class Backtest(Struct, frozen=True):
    """What came of it. Money in USD, net of costs."""

    summary: Summary
    statistics: Statistics
    trades: tuple[Trade, ...]
    equity: tuple[Point, ...]
    start_ts: int
    end_ts: int
    events: int
    """Of the market: bars, or quotes and prints."""


class BarMarket:
    """Bars of the past as a market that is told in bars; those before it begins are its history."""

    def __init__(self, instrument: Instrument, bars: Sequence[Bar], begin: int = 0) -> None:
        """`bars` are all of one timeframe up to an hour, oldest first; play begins with the first that opens
        at `begin`, ns UTC, or later. Raises ValueError where there is none.
        """
        self.instruments: Sequence[Instrument] = (instrument,)
        self.timeframe = bars[0].timeframe if bars else Timeframe.M1
        self._bars = bars
        self._first = bisect_left(bars, begin, key=lambda bar: bar.open_ts)
        if self._first == len(bars):
            raise ValueError("no bar is that late")
        self.start_ts = bars[self._first].open_ts
        self.end_ts = bars[-1].close_ts

    def history(self, instrument: str) -> Sequence[Bar]:
        """The last sessions before it begins."""
        before = self._bars[max(0, self._first - MINUTES_SEEN // self.timeframe.minutes) : self._first]
        return before if self.timeframe is Timeframe.M1 else [as_minute(bar) for bar in before]

    def events(self) -> Iterator[BarReported]:
        length = self.timeframe.nanos
        for place in range(self._first, len(self._bars)):
            bar = self._bars[place]
            ts = bar.open_ts + length
            yield BarReported(ts_recv=ts, ts_venue=ts, bar=bar)


def run_backtest(
    market: PastMarket,
    bots: Sequence[Bot],
    terms: BacktestTerms,
    end_ts: int,
    progress: Callable[[int], None] | None = None,
    keep: Callable[[Sequence[AnyRecord]], None] | None = None,
    predictor: PromptPredictor | None = None,
    in_sample: str = "",
) -> Backtest:
    """Play a market to its end or `end_ts`, nanoseconds UTC. `progress` is told the time now and then, `keep`
    the records. Strategies keep memory: each run needs bots of its own. `in_sample` says why it is no test of
    the model that is asked, `predictor`. Raises ValueError where a bot looks at bars that these can't be made
    to, FatalError where the model fails.
    """
    if wrong := unmade(market, bots):
        raise ValueError(wrong)
    instruments = {one.symbol: one for one in market.instruments}
    core = Core(config_of(tuple(instruments.values()), terms), bots)
    trades: list[Trade] = []
    fills = False

    def kept(records: Sequence[AnyRecord]) -> None:
        nonlocal fills
        if keep is not None:
            keep(records)
        fills = fills or any(type(record) is FillApplied for record in records)

    replay = Replay(core, instruments, terms.model, kept, balance_usd=terms.balance_usd, predictor=predictor)
    stretch = max(MINUTE, (end_ts - market.start_ts) // POINTS)
    curve = Curve(market.start_ts, terms.balance_usd, stretch)
    events, told, look_ts = 0, market.start_ts, market.start_ts

    def heard(now: int) -> None:
        nonlocal events, told, fills, look_ts
        events += 1
        if fills or now >= look_ts:
            book = core.books[BOOK]
            look_ts = now + stretch
            book.orders.equity.told = curve.take
            book.orders.equity.look()  # where nothing new came of it, nobody has counted it
            trades.extend(_new(book.state.trades, trades[-1] if trades else None) if fills else ())
            fills = False
        if progress is not None and now - told >= DAY:
            told = now
            progress(now)

    replay.run(market.start_ts, market.history, market.events(), end_ts, heard=heard)
    book = core.books[BOOK]
    trades.extend(_new(book.state.trades, trades[-1] if trades else None))
    book.orders.equity.look()
    curve.turn_over()
    summary = summarise(
        trades,
        book.state.positions.values(),
        core.entries.refusals,
        str(terms.model),
        book.orders.equity.run_drawdown_usd,
        core.state.instruments,
        core.config.currency,
        opinion_report(core, in_sample),
    )
    summary = replace(summary, held_over=replay.held_over)
    found = statistics(
        trades,
        curve.points,
        terms.balance_usd,
        calendar_of(market.instruments[0].calendar),
        summary.max_drawdown_usd,
    )
    return Backtest(summary, found, tuple(trades), tuple(curve.points), market.start_ts, core.now, events)


def unmade(market: PastMarket, bots: Sequence[Bot]) -> str:
    """Which timeframes that bots look at can't be made of a market's bars, in words; empty where all can."""
    return uneven(market, needed(bots, unseen=True))


def uneven(market: PastMarket, wanted: Collection[Timeframe]) -> str:
    """Which of these timeframes can't be made of a market's bars, in words; empty where all can."""
    if not isinstance(market, BarMarket):
        return ""
    own = market.timeframe
    finer = [str(one) for one in Timeframe if one in wanted and one.nanos % own.nanos]
    return f"the bars are of {own}, and {', '.join(finer)} can't be made of them" if finer else ""


def config_of(instruments: tuple[Instrument, ...], terms: BacktestTerms) -> EngineConfig:
    """Of a core that plays the past: its venue agrees with it at every step, so that it need not be asked."""
    book = BookConfig(risk=terms.risk, capabilities=CAPABILITIES, sizing=terms.sizing)
    return EngineConfig(
        instruments=instruments,
        venue="replay",
        install=terms.install,
        boot=1,
        trading=TradingSwitch.LIVE,
        practice_time=True,
        bar_grace_ns=0,
        bar_ns=terms.model.bar_ns,
        whole_bars=terms.model.whole_bars,
        slow_cycle_ns=DAY,
        notes_ns=DAY,
        unseen=True,
        opinion=terms.opinion,
        templates=(book,),
    )


def _new(trades: Sequence[Trade], newest: Trade | None) -> list[Trade]:
    """Those of the kept trades that came after one."""
    found: list[Trade] = []
    for trade in reversed(trades):
        if trade is newest:
            break
        found.append(trade)
    return found[::-1]
