"""How often the search for edges errs in noise, and how often it finds what was planted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from random import Random

from engine.lab.edges.analysis import Analysis
from engine.lab.edges.candidates import Trials, trials
from engine.lab.edges.rules import EdgeRules
from engine.lab.edges.search import search
from engine.model.market import Bar, Timeframe
from tests.support.price_series import MES, PATTERNS, Planted, random_walk, with_edge

MINUTES = 3_500
"""Of a market of noise: two days of Globex and a half."""
RULES = EdgeRules(timeframes=(Timeframe.M1, Timeframe.M2, Timeframe.M5), costs=False)
"""Without costs: the harder case, as they make noise lose."""
STRENGTH = {Planted.SWEEP: (8.0, 20_000), Planted.BREAK: (5.0, 6_000), Planted.LEVEL: (8.0, 6_000)}
"""Drift, ticks a minute for twelve minutes, and minutes of the market. The noise of a minute has a deviation
of 14 ticks. Sweeps are rare: it takes that long until there are enough.
"""


class Tally:
    """What a number of searches came to."""

    def __init__(self) -> None:
        self.runs = self.candidates = self.found = self.named = 0
        """Searches that reported an edge are found, those that reported the planted pattern named."""
        self.edges: list[str] = []
        """What was reported, with its seed."""

    def __iadd__(self, other: Tally) -> Tally:
        self.runs += other.runs
        self.candidates += other.candidates
        self.found += other.found
        self.named += other.named
        self.edges += other.edges
        return self

    def add(self, seed: int, analysis: Analysis, planted: str = "nothing") -> None:
        self.runs += 1
        self.candidates += analysis.trials
        self.found += bool(analysis.validated)
        self.named += any(edge.pattern.startswith(planted) for edge in analysis.validated)
        self.edges += [f"{edge.signal}, seed {seed}" for edge in analysis.validated]

    @property
    def share(self) -> float:
        return self.found / self.runs


def noise(first: int, count: int) -> Tally:
    """Search so many random walks, from this seed on."""
    tally = Tally()
    for seed in range(first, first + count):
        tally.add(seed, searched(random_walk(seed, MINUTES), seed))
    return tally


def planted_sweeps(first: int, count: int) -> Tally:
    return _planted(Planted.SWEEP, first, count)


def planted_breaks(first: int, count: int) -> Tally:
    return _planted(Planted.BREAK, first, count)


def planted_levels(first: int, count: int) -> Tally:
    return _planted(Planted.LEVEL, first, count)


PLANTED = {
    Planted.SWEEP: planted_sweeps,
    Planted.BREAK: planted_breaks,
    Planted.LEVEL: planted_levels,
}


def _planted(what: Planted, first: int, count: int) -> Tally:
    tally = Tally()
    for seed in range(first, first + count):
        ticks, minutes = STRENGTH[what]
        tally.add(seed, searched(with_edge(what, seed, minutes, ticks), seed), PATTERNS[what])
    return tally


def searched(bars: Sequence[Bar], seed: int) -> Analysis:
    blank = Analysis(
        source="made up",
        instrument="MES",
        bars=len(bars),
        bar_timeframe=bars[0].timeframe,
        start_ts=bars[0].open_ts,
        end_ts=bars[-1].close_ts,
        timeframes=RULES.timeframes,
        seed=seed,
        error_rate=RULES.error_rate,
        costs=RULES.costs,
    )
    tried = reduce(Trials.merged, (trials(bars, MES, one, RULES) for one in RULES.timeframes))
    return search(tried, RULES, blank, lambda: Random(seed))
