"""Candidates: a pattern, a timeframe, a direction and a context, with what came of trading them
(docs/discovery.md#what-is-searched).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import sqrt
from statistics import NormalDist

from msgspec import Struct

from engine.lab.edges.outcomes import BarTrader, EntryOutcome
from engine.lab.edges.rules import EdgeRules
from engine.market.calendars.known import calendar_of
from engine.market.candles import resample
from engine.model.figures import percent
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.signals.atr import Atr
from engine.signals.occurrences import ANY, Occurrence, occurrences, stop_price

BOTH = 0
"""The direction of a candidate that is traded whichever way its pattern points."""
_SIDES = {1: "long", -1: "short", BOTH: "both ways"}
_AIMLESS = 500
"""Entries at regular intervals that say what a direction earns without any pattern."""
_NORMAL = NormalDist()


class Candidate(Struct, frozen=True, order=True):
    """What is tried."""

    timeframe: Timeframe
    pattern: str
    direction: int
    """+1 long, -1 short, 0 whichever way the pattern points."""
    context: str

    @property
    def name(self) -> str:
        """As the cockpit's lists and files call it: "break bos long 5m, trend with"."""
        context = "" if self.context == ANY else f", {self.context}"
        return f"{self.pattern} {self.side} {self.timeframe}{context}"

    @property
    def side(self) -> str:
        """The direction in a word or two."""
        return _SIDES[self.direction]


class Trials(Struct, frozen=True):
    """All candidates of some timeframes, each with its trades, oldest first and one at a time."""

    outcomes: dict[Candidate, tuple[EntryOutcome, ...]]
    aimless: dict[tuple[Timeframe, int], tuple[EntryOutcome, ...]]
    """Trades that were entered at regular intervals, by timeframe and direction; those of both ways together
    are in no order.
    """
    occurrences: int
    start_ts: int
    end_ts: int

    def merged(self, other: Trials) -> Trials:
        """Those of other timeframes too."""
        return Trials(
            self.outcomes | other.outcomes,
            self.aimless | other.aimless,
            self.occurrences + other.occurrences,
            min(self.start_ts, other.start_ts),
            max(self.end_ts, other.end_ts),
        )


def trials(
    bars: Sequence[Bar],
    instrument: Instrument,
    timeframe: Timeframe,
    rules: EdgeRules,
    progress: Callable[[int], None] | None = None,
) -> Trials:
    """Try every candidate of one timeframe over all of the time; what may be looked at when is the search's
    business. `bars` are the finest there are. `progress` is told how far it is, nanoseconds UTC.
    """
    calendar = calendar_of(instrument.calendar)
    trader = BarTrader(instrument, bars, calendar, rules)
    own = bars if bars[0].timeframe is timeframe else list(resample(bars, timeframe, calendar))
    found: dict[Candidate, list[EntryOutcome]] = {}
    count = 0
    for occurrence in occurrences(_told(own, progress), instrument.symbol, timeframe, calendar):
        count += 1
        outcome = trader.play(occurrence)
        if outcome is None:
            continue
        for direction, context in product((occurrence.direction, BOTH), occurrence.contexts):
            candidate = Candidate(timeframe, occurrence.pattern, direction, context)
            listed = found.setdefault(candidate, [])
            if not listed or listed[-1].exit_ts <= outcome.decided_ts:
                listed.append(outcome)
    long, short = (
        tuple(
            outcome
            for one in _aimless(own, timeframe, direction)
            if (outcome := trader.play(one)) is not None
        )
        for direction in (1, -1)
    )
    return Trials(
        {candidate: tuple(listed) for candidate, listed in found.items()},
        {(timeframe, 1): long, (timeframe, -1): short, (timeframe, BOTH): long + short},
        count,
        bars[0].open_ts,
        bars[-1].close_ts,
    )


def _told(bars: Sequence[Bar], progress: Callable[[int], None] | None) -> Iterator[Bar]:
    for bar in bars:
        yield bar
        if progress is not None:
            progress(bar.close_ts)


def _aimless(bars: Sequence[Bar], timeframe: Timeframe, direction: int) -> Iterator[Occurrence]:
    """A decision at every n-th close, with the usual stop."""
    atr = Atr()
    every = max(1, len(bars) // _AIMLESS)
    for n, bar in enumerate(bars):
        value = atr.add(bar)
        if n % every == every - 1 and value:
            stop = stop_price(bar.close, bar.close, direction, value)
            yield Occurrence("", timeframe, direction, bar.close_ts, stop, ())


class EdgeFigures(Struct, frozen=True):
    """What trades came to. Figures that need a trade, a loss or a spread are None without."""

    trades: int
    win_rate: float | None
    """0..1."""
    profit_factor: float | None
    """None where nothing was lost."""
    expectancy_r: float | None
    """Mean result of a trade, R net of costs."""
    deviation_r: float | None
    """Standard deviation of one (n - 1)."""
    total_r: float

    @property
    def sharpe(self) -> float | None:
        """Of one trade, not of a year."""
        if self.expectancy_r is None or not self.deviation_r:
            return None
        return self.expectancy_r / self.deviation_r

    @property
    def rough_p(self) -> float:
        """One-sided p-value of the mean by the normal distribution: to choose by, not to prove with."""
        sharpe = self.sharpe
        return 1.0 if sharpe is None else 1 - _NORMAL.cdf(sharpe * sqrt(self.trades))


def figures(results: Sequence[float]) -> EdgeFigures:
    """The figures of results in R."""
    count = len(results)
    if not count:
        return EdgeFigures(0, None, None, None, None, 0.0)
    won = sum(one for one in results if one > 0)
    lost = -sum(one for one in results if one < 0)
    mean = sum(results) / count
    deviation = sqrt(sum((one - mean) ** 2 for one in results) / (count - 1)) if count > 1 else None
    return EdgeFigures(
        count,
        sum(one > 0 for one in results) / count,
        won / lost if lost else None,
        mean,
        deviation,
        sum(results),
    )


def misses(shown: EdgeFigures, rules: EdgeRules, timeframe: Timeframe, share: float) -> str:
    """Which threshold it misses, with its number, in a part of the time of this share; empty if none."""
    least = rules.thresholds(timeframe)
    needed = rules.least_trades(timeframe, share)
    if shown.trades < needed:
        return f"{shown.trades} trades of {needed}"
    if shown.win_rate is None or shown.win_rate < least.min_win_rate:
        return f"win rate {percent(shown.win_rate or 0)} under {percent(least.min_win_rate)}"
    if shown.profit_factor is not None and shown.profit_factor < least.min_profit_factor:
        return f"profit factor {shown.profit_factor:.2f} under {least.min_profit_factor:.2f}"
    return ""
