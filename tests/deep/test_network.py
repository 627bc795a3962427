"""The deep model on its own: known quantiles, nothing from the future or from padding, the same file each
time. It needs torch, so `make test-deep` runs it.
"""

from __future__ import annotations

from math import nan
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra deep is not installed")
pytest.importorskip("safetensors", reason="the extra deep is not installed")

import torch

from adapters.models.deep import network
from adapters.models.deep.learner import DeepModel, ask_one
from adapters.models.deep.weights import DeepShape, shape_of
from engine.lab.training.quantiles import scored
from engine.model.errors import FatalError
from tests.support.deep_files import SHAPE, deep_file
from tests.support.quantile_series import BEFORE, LEVELS, WIDTH, Series, lost, lost_by_trees, series

HOW: dict[str, Any] = {"hidden": 8, "passes": 20, "rate": 0.02, "dropout": 0.0}


def test_known_quantiles_are_found_better_than_by_no_model_and_by_trees_of_the_newest_close() -> None:
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
    newest, same = lost_by_trees(made, len(fit))
    assert found.pinball <= 0.9 * newest, "what was two closes ago is nothing to trees of the newest"
    assert found.pinball <= 1.1 * same, "and with the same closes they are no better by much"
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
