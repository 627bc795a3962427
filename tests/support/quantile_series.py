"""Series whose quantiles are known, for the deep model and what it is compared with."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from random import Random
from statistics import NormalDist
from typing import NamedTuple

from adapters.models.deep.learner import DeepNets, DeepTable
from engine.lab.training.examples import NO_PLACE
from engine.lab.training.quantiles import pinball

LEVELS = (0.1, 0.5, 0.9)
WIDTH, BEFORE, BACK = 4, 5, 2
TREES, LEAVES = 80, 8


class Series(NamedTuple):
    """Of which each outcome is normal: its mean is known two closes before, its deviation from the newest."""

    rows: list[list[float]]
    came: list[float]
    quantiles: list[tuple[float, ...]]
    """The true ones."""

    def table(self, instruments: Sequence[str] = ()) -> DeepTable:
        flat, pasts = array("d", (one for row in self.rows for one in row)), array("i")
        for n in range(len(self.rows)):
            pasts.extend(n - back if n >= back else NO_PLACE for back in range(BEFORE, 0, -1))
        return DeepTable(flat, array("d"), pasts, WIDTH, instruments or ["MES"] * len(self.rows))

    def nets(self, seed: int = 1) -> DeepNets:
        return DeepNets(self.table(), [one > 0 for one in self.came], self.came, seed, LEVELS)


def series(count: int, seed: int = 3) -> Series:
    chance, rows = Random(seed), list[list[float]]()
    came, quantiles = list[float](), list[tuple[float, ...]]()
    for n in range(count):
        rows.append([chance.gauss(0, 1) for _ in range(WIDTH)])
        normal = NormalDist(0.8 * rows[max(0, n - BACK)][0], 1.0 if rows[n][1] > 0 else 0.3)
        came.append(chance.gauss(normal.mean, normal.stdev))
        quantiles.append(tuple(normal.inv_cdf(level) for level in LEVELS))
    return Series(rows, came, quantiles)


def lost(said: Sequence[Sequence[float]], came: Sequence[float]) -> float:
    """The mean loss of what was said."""
    pairs = [
        (level, one, it)
        for row, it in zip(said, came, strict=True)
        for level, one in zip(LEVELS, row, strict=True)
    ]
    return sum(pinball(*one) for one in pairs) / len(pairs)


def lost_by_trees(made: Series, fitted: int) -> tuple[float, float]:
    """The loss of LightGBM, which was fitted to the first of the rows: of trees that see the newest close
    alone, and of trees that see all that the deep model is given.
    """
    import lightgbm
    import numpy

    table = numpy.array(made.rows)
    flat = numpy.hstack([numpy.roll(table, back, axis=0) for back in range(BEFORE + 1)])
    losses = []
    for known in (table, flat):
        said = []
        for level in LEVELS:
            how = {
                "objective": "quantile",
                "alpha": level,
                "num_leaves": LEAVES,
                "verbose": -1,
                "num_threads": 1,
            }
            data = lightgbm.Dataset(known[:fitted], made.came[:fitted])
            trees = lightgbm.train(how, data, num_boost_round=TREES)
            said.append(trees.predict(known[fitted:], num_threads=1))
        losses.append(lost(list(zip(*said, strict=True)), made.came[fitted:]))
    return losses[0], losses[1]
