"""The test of live results: fair to what keeps its promise, and quick with what does not."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.expectation import Expectation
from engine.portfolio.expected import kept, p_value

TOLD = Expectation(trades=80, win_rate=0.45, mean_r=0.3, most_r=2.0)
WON, LOST = 1.95, -1.05


def results(seed: int, count: int, win_rate: float) -> list[float]:
    """Of trades with a target of two times the risk, costs of a twentieth."""
    chance = Random(seed)
    return [WON if chance.random() < win_rate else LOST for _ in range(count)]


KEPT = (TOLD.mean_r - LOST) / (WON - LOST)
"""Share of wins with which the promise is just kept."""


def test_one_that_just_keeps_its_promise_is_hardly_ever_called_behind() -> None:
    """100 lives of 300 trades, looked at after each: 5 % may be, by what is promised."""
    called = sum(kept(TOLD, results(seed, 300, KEPT)).behind for seed in range(100))
    assert called <= 5


@pytest.mark.parametrize(("win_rate", "within"), [(0.33, 200), (0.25, 80)])
def test_one_that_has_lost_its_edge_is_found(win_rate: float, within: int) -> None:
    """Four of five, after so many trades."""
    found = sum(kept(TOLD, results(seed, within, win_rate)).behind for seed in range(100))
    assert found >= 80


def test_nothing_is_known_before_the_first_trade_and_little_after_it() -> None:
    nothing = kept(TOLD, [])
    assert (nothing.trades, nothing.mean_r, nothing.at_most_r, nothing.behind) == (0, None, None, False)
    assert nothing.p == 1.0
    accident = kept(TOLD, [-40.0])
    assert not accident.behind
    assert accident.p > 0.3


def test_what_was_once_behind_stays_behind() -> None:
    bad = [LOST] * 25
    assert kept(TOLD, bad).behind
    assert kept(TOLD, bad + [WON] * 100).behind


def test_several_together_are_judged_before_one_alone() -> None:
    """None of them alone has shown enough."""
    each = [LOST, LOST, WON, LOST, LOST, LOST]
    assert not kept(TOLD, each).behind
    assert p_value((TOLD, one) for _ in range(8) for one in each) <= 0.05


@given(st.lists(st.floats(-1.5, 2.0), min_size=1, max_size=60), st.floats(-0.5, 1.0))
def test_the_band_and_the_test_say_the_same(results: list[float], mean: float) -> None:
    told = Expectation(50, 0.5, mean, 2.0)
    found = kept(told, results)
    assert found.at_most_r is not None
    assert found.mean_r is not None
    assert found.at_most_r >= min(found.mean_r, 2.0) - 1e-6
    if found.at_most_r < mean - 1e-6:
        assert found.behind
    assert 0 < found.p <= 1


@given(st.lists(st.floats(-1.5, 2.0), min_size=1, max_size=40), st.floats(0.01, 0.5))
def test_a_worse_trade_never_makes_it_look_better(results: list[float], less: float) -> None:
    worse = [results[0] - less, *results[1:]]
    before, after = kept(TOLD, results), kept(TOLD, worse)
    assert before.at_most_r is not None
    assert after.at_most_r is not None
    assert after.at_most_r <= before.at_most_r + 1e-9
