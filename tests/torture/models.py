"""How often a training takes noise for an edge, and what it makes of one that was planted."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from engine.lab.training.examples import Examples, examples
from engine.lab.training.labels import Labeller
from engine.lab.training.picks import pattern_picks
from engine.lab.training.rules import TrainingRules
from engine.lab.training.walk import Judgement, walk
from engine.market.calendars.known import CME
from engine.model.market import Bar, Timeframe
from engine.model.opinion import Barriers
from engine.signals.feature_rows import rows
from engine.signals.features import NAMES
from tests.support.price_series import MES, Planted, random_walk, with_edge
from tstream.lab.learner import Trees

MINUTES = 6_000
"""Of a market: four days and a half of Globex."""
TICKS = 5.0
"""Drift of the planted one, ticks a minute for twelve minutes after a break of structure. The noise of a
minute has a deviation of 14.
"""
RULES = TrainingRules(timeframe=Timeframe.M1, barriers=Barriers(1.5, 1.5, 12), costs=False)
"""Without costs: the harder case, as they make noise lose."""


class TrainingTally:
    """What a number of trainings came to."""

    def __init__(self) -> None:
        self.runs = self.better = 0
        self.said: list[str] = []
        """Of those that were said to be better than the rules, with their seeds."""
        self.calibration: list[float] = []
        """Errors, out of sample."""
        self.rules_r: list[float] = []
        self.model_r: list[float] = []
        """Mean results of a trade."""

    def __iadd__(self, other: TrainingTally) -> TrainingTally:
        self.runs += other.runs
        self.better += other.better
        self.said += other.said
        self.calibration += other.calibration
        self.rules_r += other.rules_r
        self.model_r += other.model_r
        return self

    def add(self, seed: int, judged: Judgement) -> None:
        self.runs += 1
        self.better += judged.better
        self.said += [f"seed {seed}: {judged.verdict}"] if judged.better else []
        told = judged.probabilities
        if told is not None and told.calibration_error is not None:
            self.calibration.append(told.calibration_error)
        self.rules_r.append(judged.rules.mean_r or 0.0)
        self.model_r.append(judged.model.mean_r or 0.0)


def noise(first: int, count: int) -> TrainingTally:
    """Train on so many random walks, from this seed on."""
    tally = TrainingTally()
    for seed in range(first, first + count):
        tally.add(seed, judged(random_walk(seed, MINUTES), seed))
    return tally


def planted(first: int, count: int) -> TrainingTally:
    """The same on markets that drift after a break of structure."""
    tally = TrainingTally()
    for seed in range(first, first + count):
        tally.add(seed, judged(with_edge(Planted.BREAK, seed, MINUTES, TICKS), seed))
    return tally


def judged(bars: Sequence[Bar], seed: int) -> Judgement:
    made = examples_of(bars)
    return walk(made, Trees(made, seed), RULES, Random(seed)).judgement


def examples_of(bars: Sequence[Bar]) -> Examples:
    """Minutes of MES, judged at each close."""
    picks = frozenset(pattern_picks(bars, MES.symbol, Timeframe.M1, CME))
    labeller = Labeller(MES, bars, CME, RULES.barriers, costs=RULES.costs)
    return examples(rows(bars, {MES.symbol: MES}, Timeframe.M1), labeller, picks, len(NAMES))
