"""The deep model on series whose quantiles are known, and beside trees on made-up markets: it is used only
where it wins.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from msgspec.structs import replace

from engine.lab.training.examples import Examples
from engine.lab.training.quantiles import scored
from engine.lab.training.rules import TrainingRules
from engine.lab.training.walk import walk
from tests.support import made_up_trainings as made_up
from tests.support.made_up_trainings import told_market
from tests.support.price_series import random_walk
from tests.support.quantile_series import LEVELS, lost, lost_by_trees, series
from tests.torture.models import RULES, examples_of
from tstream.lab.learner import Trees
from tstream.lab.training import deeper

ROWS, FITTED = 2_500, 2_000
HOW: dict[str, Any] = {"hidden": 8, "passes": 20, "rate": 0.02, "dropout": 0.0}
MINUTES = 1_500
"""Of a random walk."""
EDGE, TEETH = 0.8, 4
ON_WALKS = replace(
    RULES, settings=made_up.RULES.settings, deep_settings=made_up.QUICK, folds=2, first_share=0.6
)


class QuantileTally:
    """What quantiles were worth; a list has one number of each series."""

    def __init__(self) -> None:
        self.below: list[tuple[float, ...]] = []
        """How often outcomes were not above each."""
        self.off: list[float] = []
        """Mean distance of that from what each says."""
        self.true: list[float] = []
        """Mean loss of the true ones; then of the deep model's, of always the same, of those of trees of the
        newest close, and of trees of all that the deep model is given.
        """
        self.deep: list[float] = []
        self.naive: list[float] = []
        self.newest: list[float] = []
        self.same: list[float] = []

    def __iadd__(self, other: QuantileTally) -> QuantileTally:
        for name, known in vars(self).items():
            known += vars(other)[name]
        return self


def quantiles(first: int, count: int) -> QuantileTally:
    """Learn so many series, from this seed on, and look at what follows in each."""
    tally, test = QuantileTally(), range(FITTED, ROWS)
    for seed in range(first, first + count):
        made = series(ROWS, seed)
        model = made.nets(seed).fit(range(FITTED), [1.0] * FITTED, **HOW)
        came = made.came[FITTED:]
        found = scored(LEVELS, model.quantiles(test), came, made.came[:FITTED])
        assert found is not None
        newest, same = lost_by_trees(made, FITTED)
        tally.below.append(found.below)
        tally.off.append(found.off(LEVELS))
        tally.true.append(lost(made.quantiles[FITTED:], came))
        tally.deep.append(found.pinball)
        tally.naive.append(found.pinball_of_base)
        tally.newest.append(newest)
        tally.same.append(same)
    return tally


class KeptTally:
    """What was kept of trees and a deep model."""

    def __init__(self) -> None:
        self.runs = self.deep = self.better = 0
        """Trainings; those of which the deep model was kept; those that were better than the rules."""
        self.said: list[str] = []
        """Why, with their seeds."""

    def __iadd__(self, other: KeptTally) -> KeptTally:
        self.runs += other.runs
        self.deep += other.deep
        self.better += other.better
        self.said += other.said
        return self

    def add(self, seed: int, examples: Examples, rules: TrainingRules) -> None:
        trees = walk(examples, Trees(examples, seed), rules, Random(seed))
        kept, why = deeper(examples, rules, trees, seed, lambda done, of: None)
        self.runs += 1
        self.deep += kept is not trees
        self.better += kept.judgement.better
        self.said.append(f"seed {seed}: {why}")


def told_before(first: int, count: int) -> KeptTally:
    """What is known lies one close further back than trees look."""
    return _told(first, count, 1, 1)


def told_in_steps(first: int, count: int) -> KeptTally:
    """The newest close says it all, by steps, as trees make them."""
    return _told(first, count, 0, TEETH)


def noise(first: int, count: int) -> KeptTally:
    """Random walks, with the features of their minutes."""
    tally = KeptTally()
    for seed in range(first, first + count):
        tally.add(seed, examples_of(random_walk(seed, MINUTES)), ON_WALKS)
    return tally


MARKETS: dict[str, Callable[[int, int], KeptTally]] = {
    "told by the close before": told_before,
    "told by the newest close, in steps": told_in_steps,
    "noise": noise,
}


def _told(first: int, count: int, back: int, teeth: int) -> KeptTally:
    tally = KeptTally()
    for seed in range(first, first + count):
        tally.add(seed, told_market(EDGE, back, seed=seed, teeth=teeth).examples, made_up.RULES)
    return tally
