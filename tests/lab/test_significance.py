"""Splits by time, p-values and their corrections, the price of searching: tables by hand."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.lab.overfitting import (
    Sums,
    backtest_overfitting,
    deflated_sharpe,
    expected_best_sharpe,
    probabilistic_sharpe,
    sums,
)
from engine.lab.significance import benjamini_hochberg, holm, sign_flip_p
from engine.lab.splits import even_bounds, walk_forward

# --- what is tested on what ---------------------------------------------------------------------------------

SPANS = ((0, 5), (8, 12), (14, 21), (20, 24), (27, 33), (30, 31))


@pytest.mark.parametrize(
    ("embargo", "trained"),
    [(0, [(0,), (0, 1)]), (2, [(0,), (0, 1)]), (6, [(), (0, 1)]), (9, [(), (0,)])],
)
def test_a_walk_forward_purges_what_reaches_into_the_test(
    embargo: int, trained: list[tuple[int, ...]]
) -> None:
    """Trade 1 is open at 10, trade 2 at 20: neither is learned from before the test that it reaches into."""
    folds = list(walk_forward(SPANS, (10, 20, 40), embargo))
    assert [fold.train for fold in folds] == trained
    assert [fold.test for fold in folds] == [(2,), (3, 4, 5)]
    assert [(fold.start_ts, fold.end_ts) for fold in folds] == [(10, 20), (20, 40)]


def test_bounds() -> None:
    assert even_bounds(0, 10, 3) == (0, 3, 6, 10)
    for wrong in ((0, 10, 0), (0, 2, 3)):
        with pytest.raises(ValueError, match="no room"):
            even_bounds(*wrong)
    with pytest.raises(ValueError, match="must rise"):
        list(walk_forward(SPANS, (10, 10)))


# --- one p-value --------------------------------------------------------------------------------------------


def exact_p(values: list[float]) -> float:
    flipped = [
        sum(v * s for v, s in zip(values, signs, strict=True))
        for signs in product((1, -1), repeat=len(values))
    ]
    return sum(one >= sum(values) - 1e-12 for one in flipped) / len(flipped)


@pytest.mark.parametrize(
    ("values", "p"),
    [
        ([2.0] * 5, 1 / 32),
        ([2.0, -1.0], 2 / 4),
        ([-1.0, -1.0], 1.0),
        ([2.0, 2.0, 2.0, -1.0, -1.0], 7 / 32),
        ([1.0] * 9 + [-1.0], 11 / 1024),
    ],
)
def test_flips_of_signs(values: list[float], p: float) -> None:
    assert exact_p(values) == pytest.approx(p)
    assert sign_flip_p(values, Random(1), 20_000) == pytest.approx(p, rel=0.4, abs=1e-3)


def test_nothing_proves_nothing_and_a_p_value_is_never_zero() -> None:
    assert sign_flip_p([], Random(1)) == 1.0
    assert sign_flip_p([1.0] * 300, Random(1), 99) == 0.01


def test_p_values_of_luck_are_even() -> None:
    """Of trades that win 2 R a third of the time: under 5 % no more often than that, and not never."""
    chance = Random(5)
    under = sum(
        sign_flip_p([2.0 if chance.random() < 1 / 3 else -1.0 for _ in range(40)], chance, 199) <= 0.05
        for _ in range(600)
    )
    assert 0.015 < under / 600 < 0.06


# --- many p-values ------------------------------------------------------------------------------------------

P = (0.01, 0.04, 0.03, 0.005)


def test_holm_by_hand() -> None:
    assert holm(P) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm(()) == ()
    assert holm((0.7, 0.9)) == (1.0, 1.0)


def test_benjamini_hochberg_by_hand() -> None:
    assert benjamini_hochberg(P) == pytest.approx((0.02, 0.04, 0.04, 0.02))
    assert benjamini_hochberg((0.5,)) == (0.5,)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_corrections_keep_the_order_and_never_flatter(p_values: list[float]) -> None:
    strict, mild = holm(p_values), benjamini_hochberg(p_values)
    for p, family, rate in zip(p_values, strict, mild, strict=True):
        assert p <= rate + 1e-12
        assert rate <= family + 1e-12 <= 1.0 + 1e-9
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert sorted(strict) == [strict[n] for n in order]
    assert sorted(mild) == [mild[n] for n in order]


# --- the price of searching ---------------------------------------------------------------------------------


def test_the_papers_example_of_a_deflated_sharpe_ratio() -> None:
    """Five years of days, 2.5 a year, skewness -3, kurtosis 10; ratios of the trials vary by 1/2 a year."""
    days = 250
    assert expected_best_sharpe(100, 0.5 / days) == pytest.approx(0.1132, abs=1e-4)
    for trials, said in ((100, 0.9004), (46, 0.9505)):
        best = expected_best_sharpe(trials, 0.5 / days)
        assert probabilistic_sharpe(2.5 / days**0.5, best, 1250, -3, 10) == pytest.approx(said, abs=1e-4)


def test_deflated_sharpe_by_hand() -> None:
    values = [2.0, -1.0, -1.0, 2.0, 2.0, -1.0]  # mean 0.5, sd 1.6432, skew 0, kurtosis 1
    assert sums(values).sharpe == pytest.approx(0.30429, abs=1e-5)
    assert deflated_sharpe(values, 1, 0.0) == pytest.approx(0.7519, abs=1e-4)  # of 0.3043 x sqrt(5)
    assert deflated_sharpe(values, 50, 0.04) == pytest.approx(0.3678, abs=1e-4)
    assert deflated_sharpe([1.0], 5, 0.1) is None
    assert deflated_sharpe([1.0, 1.0, 1.0], 5, 0.1) is None
    assert expected_best_sharpe(1, 0.3) == 0.0


def slices(*values: float) -> list[Sums]:
    """A trial that made this in each slice, by two trades around it."""
    return [sums((value - 1, value + 1)) for value in values]


def test_cross_validation_by_hand() -> None:
    good, bad = slices(1, 1, 1, 1), slices(-1, -1, -1, -1)
    sound = backtest_overfitting([good, bad])
    assert sound is not None
    assert (sound.probability, sound.splits, sound.loses) == (0.0, 6, 0.0)
    # each is best where the other is worst: what was chosen always fails afterwards
    fitted = backtest_overfitting([slices(3, 3, -3, -3), slices(-3, -3, 3, 3)])
    assert fitted is not None
    # of six halves two (both good slices of one) choose wrongly; in four both trials are alike in both
    assert fitted.probability == 1.0
    assert fitted.loses == pytest.approx(2 / 6)
    assert backtest_overfitting([good]) is None
    with pytest.raises(ValueError, match="even number"):
        backtest_overfitting([slices(1, 2, 3), slices(1, 2, 3)])
    with pytest.raises(ValueError, match="same"):
        backtest_overfitting([slices(1, 2), slices(1, 2, 3, 4)])


def test_cross_validation_of_luck_is_a_toss() -> None:
    chance = Random(3)
    found = [
        backtest_overfitting(
            [[sums(chance.gauss(0, 1) for _ in range(6)) for _ in range(8)] for _ in range(12)]
        )
        for _ in range(60)
    ]
    mean = sum(one.probability for one in found if one is not None) / len(found)
    assert 0.4 < mean < 0.6
