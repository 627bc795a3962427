"""The deep model on its own: known quantiles, nothing from the future or from padding, the same file each
time. It needs torch, so `make test-deep` runs it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import nan
from random import Random
from statistics import NormalDist
from typing import Any, NamedTuple

import pytest

pytest.importorskip("torch", reason="the extra deep is not installed")
pytest.importorskip("safetensors", reason="the extra deep is not installed")

import torch

from adapters.models.deep import network
from adapters.models.deep.learner import DeepModel, DeepNets, DeepTable, ask_one
from adapters.models.deep.weights import DeepShape, shape_of
from engine.lab.training.examples import NO_PLACE
from engine.lab.training.quantiles import pinball, scored
from engine.model.errors import FatalError
from tests.support.deep_files import SHAPE, deep_file

LEVELS = (0.1, 0.5, 0.9)
WIDTH, BEFORE, BACK = 4, 5, 2
HOW: dict[str, Any] = {"hidden": 8, "passes": 20, "rate": 0.02, "dropout": 0.0}


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
    pairs = [
        (level, one, it)
        for row, it in zip(said, came, strict=True)
        for level, one in zip(LEVELS, row, strict=True)
    ]
    return sum(pinball(*one) for one in pairs) / len(pairs)


def test_known_quantiles_are_found_better_than_by_no_model_and_by_trees_of_the_newest_close() -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    import numpy

    made = series(5_000)
    fit, test = range(4_000), range(4_000, 5_000)
    model = made.nets().fit(fit, [1.0] * len(fit), **HOW)
    came, learned = [made.came[n] for n in test], [made.came[n] for n in fit]
    found = scored(LEVELS, model.quantiles(test), came, learned)
    assert found is not None
    assert found.off(LEVELS) <= 0.03, "each is passed as often as it says"
    true = lost([made.quantiles[n] for n in test], came)
    assert found.pinball <= 1.15 * true
    assert found.pinball <= 0.8 * found.pinball_of_base
    table = numpy.array(made.rows)
    flat = numpy.hstack([numpy.roll(table, back, axis=0) for back in range(BEFORE + 1)])
    losses = []
    for known in (table, flat):  # the newest close alone, and all that the deep model is given
        said = []
        for level in LEVELS:
            how = {"objective": "quantile", "alpha": level, "num_leaves": 8, "verbose": -1, "num_threads": 1}
            trees = lightgbm.train(
                how, lightgbm.Dataset(known[:4_000], made.came[:4_000]), num_boost_round=80
            )
            said.append(trees.predict(known[4_000:], num_threads=1))
        losses.append(lost(list(zip(*said, strict=True)), came))
    assert found.pinball <= 0.9 * losses[0], "what was two closes ago is nothing to trees of the newest"
    assert found.pinball <= 1.1 * losses[1], "and with the same closes they are no better by much"
    assert all(list(row) == sorted(row) for row in model.quantiles(test))
    top = [name for name, _ in model.importance("abcd")[:2]]
    assert set(top) == {"a", "b"}, "what the outcome depends on is what it selects"
    assert sum(model.attention()) == pytest.approx(1.0, abs=1e-4)


@pytest.fixture(scope="module")
def fitted() -> tuple[Series, DeepModel]:
    made = series(600)
    return made, made.nets().fit(range(400), [1.0] * 400, **(HOW | {"passes": 2}))


def test_the_same_data_and_seed_give_the_same_file(fitted: tuple[Series, DeepModel]) -> None:
    made, model = fitted
    body = model.body()
    how = HOW | {"passes": 2}
    assert made.nets().fit(range(400), [1.0] * 400, **how).body() == body
    assert made.nets(2).fit(range(400), [1.0] * 400, **how).body() != body
    assert shape_of(body) == model.shape == DeepShape(WIDTH, BEFORE + 1, 8, 2, LEVELS, ("MES",))
    again = made.nets().loaded(body)
    assert again.raw(range(600)) == model.raw(range(600))
    assert again.body() == body


def test_the_future_changes_nothing_before_it(fitted: tuple[Series, DeepModel]) -> None:
    made, model = fitted
    cut = 300
    poisoned = Series([*made.rows[:cut], *[[9e9, nan, -9e9, 1.0]] * 300], made.came, made.quantiles)
    other = poisoned.nets().loaded(model.body())
    assert other.raw(range(cut)) == model.raw(range(cut))
    assert other.quantiles(range(cut)) == model.quantiles(range(cut))
    assert other.raw([cut]) != model.raw([cut])
    chance = torch.Generator().manual_seed(1)
    weights = network.fresh(SHAPE, chance)
    rows, context = torch.randn((4, 3, 4), generator=chance), torch.randn((4, 4), generator=chance)
    before = network.encoded(weights, rows, context)
    rows[:, 2] += 100.0
    after = network.encoded(weights, rows, context)
    assert torch.equal(before[:, :2], after[:, :2]), "a close is known with those before it alone"
    assert not torch.equal(before[:, 2], after[:, 2])


@pytest.mark.parametrize("count", [1, 2])
def test_padding_says_nothing(count: int) -> None:
    chance = torch.Generator().manual_seed(2)
    weights = network.fresh(SHAPE, chance)
    weights["head"] = torch.randn(weights["head"].shape, generator=chance)
    rows = torch.randn((3, 2), generator=chance)
    known = torch.tensor([1]), torch.tensor([count])
    places = torch.arange(3)[None]
    said = network.asked(weights, SHAPE, rows, places, known[1], known[0])
    for nonsense in (1e30, -5.0, nan):
        rows[count:] = nonsense
        other = network.asked(weights, SHAPE, rows, places, known[1], known[0])
        assert torch.equal(said.logit, other.logit)
        assert torch.equal(said.quantiles, other.quantiles)
    assert said.attention[0, count:].tolist() == [0.0] * (3 - count)
    assert said.attention.sum().item() == pytest.approx(1.0)


def test_gradients_reach_what_counts_and_nothing_of_padding() -> None:
    chance = torch.Generator().manual_seed(3)
    weights = network.fresh(SHAPE, chance)
    weights["head"] = torch.randn(weights["head"].shape, generator=chance)
    rows = torch.randn((3, 2), generator=chance, requires_grad=True)
    said = network.asked(weights, SHAPE, rows, torch.arange(3)[None], torch.tensor([2]), torch.tensor([0]))
    (said.logit.sum() + said.quantiles.sum()).backward()
    assert rows.grad is not None
    assert bool((rows.grad[:2].abs() > 0).all())
    assert rows.grad[2].tolist() == [0.0, 0.0]


def test_one_question_is_answered_as_in_training(fitted: tuple[Series, DeepModel]) -> None:
    made, model = fitted
    ask = ask_one(model.body())
    for n in (0, 3, 599):
        rows = made.rows[max(0, n - BEFORE) : n + 1]
        assert ask(rows, "MES") == pytest.approx(model.raw([n])[0], abs=1e-6)
    assert ask(rows, "another") != pytest.approx(ask(rows, "MES"), abs=1e-9)
    assert 0 < ask([[nan] * WIDTH], "MES") < 1, "where nothing is known there is an answer all the same"
    with pytest.raises(ValueError, match="7 closes where 1 to 6"):
        ask(made.rows[:7], "MES")


def test_weights_that_are_no_numbers_are_refused() -> None:
    for number in (nan, float("inf")):
        with pytest.raises(FatalError, match="not finite"):
            ask_one(deep_file(number=number))
    assert ask_one(deep_file(number=1.0))([[0.0, 0.0]], "MNQ") > 0.5
    with pytest.raises(FatalError, match="other features, or for more closes"):
        series(20).nets().loaded(deep_file())
