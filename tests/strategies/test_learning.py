"""The posterior by hand, and what it does to a score."""

from __future__ import annotations

from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.market.bars import BarsClosed
from engine.model.market import Timeframe
from engine.model.plans import Idea
from engine.model.scores import PatternSeen
from engine.signals.board import SignalBoard
from engine.strategies.learning import PatternKey, Posterior, Tally, key_of, learned, posterior, table
from engine.strategies.protocol import Declined
from engine.strategies.zones import ZoneReaction, ZoneReactionConfig
from tests.signals.markets import SYMBOLS, minutes, run

SEEN = PatternSeen("block_held", Timeframe.M5, 1, 0, 100, "trending", 9)
KEY = key_of("MNQ", SEEN)

BY_HAND = [
    (Tally(), 0.4, 0.0),
    (Tally(5, 5, 10.0, 20.0), 13 / 25, 0.4),
    (Tally(30, 18, 15.0, 60.0), 26 / 50, 0.3),
    (Tally(180, 108, 90.0, 300.0), 116 / 200, 0.45),
]


@pytest.mark.parametrize(("tally", "rate", "expectancy"), BY_HAND)
def test_rate_and_expectancy_by_hand(tally: Tally, rate: float, expectancy: float) -> None:
    found = posterior(tally)
    assert isclose(found.win_rate, rate)
    assert isclose(found.expectancy_r, expectancy)


def test_the_spread_by_hand() -> None:
    """Outcomes 2, 2, -1, -1: mean 0.5, squares around it 9; (20 x 1.5625 + 9) / 24, over 24 weights."""
    tally = Tally()
    for r in (2.0, 2.0, -1.0, -1.0):
        tally = tally.plus(r, -0.5, 1.0)
    found = posterior(tally)
    assert found.mean_r == 0.5
    assert isclose(found.expectancy_sd, sqrt((20 * 1.5625 + 9) / 24 / 24))
    assert isclose(found.win_rate_sd, sqrt(10 * 14 / (24**2 * 25)))
    assert (found.mae_r, found.mfe_r) == (-0.5, 1.0)
    assert posterior(Tally().plus(1.0)).mae_r is None


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60), st.integers(0, 60))
def test_the_posterior_lies_between_prior_and_outcomes_and_adds_up(rs: list[float], cut: int) -> None:
    def told(part: list[float]) -> Tally:
        found = Tally()
        for r in part:
            found = found.plus(r)
        return found

    found: Posterior = posterior(told(rs))
    assert found.mean_r is not None
    assert min(0.0, found.mean_r) - 1e-9 <= found.expectancy_r <= max(0.0, found.mean_r) + 1e-9
    assert 0 < found.win_rate < 1
    halves = told(rs[:cut]) + told(rs[cut:])
    assert halves.count == len(rs)
    assert isclose(halves.sum_r2, told(rs).sum_r2, abs_tol=1e-9)


def test_learning_counts_from_the_least_sample_on_and_is_bounded() -> None:
    def part(tally: Tally, most: float = 1.0) -> float | None:
        found = learned({KEY.text: tally}, "MNQ", SEEN, 30, most)
        return None if found is None else found.points

    assert part(Tally(29, 29, 58.0, 120.0)) is None
    assert part(Tally(30, 18, 15.0, 60.0)) == 0.6
    assert part(Tally(30, 18, 15.0, 60.0), most=2.0) == 1.2
    assert part(Tally(60, 60, 120.0, 240.0)) == 1.0
    assert part(Tally(60, 0, -60.0, 60.0)) == -1.0
    assert learned({}, "MNQ", SEEN, 30, 1.0) is None
    assert learned({KEY.text: Tally(60, 60, 9.0, 9.0)}, "ES", SEEN, 30, 1.0) is None


def test_the_table_is_sorted_and_filtered() -> None:
    other = PatternKey("level_held", Timeframe.H1, "ES", "ranging")
    experience = {KEY.text: Tally(12, 6, 3.0, 9.0), other.text: Tally(40, 30, 40.0, 90.0)}
    assert PatternKey.parse(other.text) == other
    assert [row.key for row in table(experience)] == [other, KEY]
    assert [row.key for row in table(experience, least=20)] == [other]
    assert [row.key for row in table(experience, instruments=["MNQ"])] == [KEY]


class _Alike(dict[str, Tally]):
    """All patterns have ended alike."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def get(self, key: str, default: object = None) -> Tally:
        return self.tally


def _said(experience: _Alike | None, **config: object) -> list[Idea | Declined]:
    strategy = ZoneReaction(replace(ZoneReactionConfig(), **config))
    if experience is not None:
        strategy.experience = experience
    heard: list[Idea | Declined] = []

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        heard.extend(one for one in strategy.on_bars(closed, board) if isinstance(one, (Idea, Declined)))

    run(minutes(1, symbols=SYMBOLS), each)
    return heard


def test_what_was_learned_moves_the_score_and_says_so() -> None:
    good, bad = _Alike(Tally(100, 70, 60.0, 200.0)), _Alike(Tally(100, 10, -70.0, 90.0))
    before, better, worse = _said(None), _said(good), _said(bad)

    def ideas(said: list[Idea | Declined]) -> int:
        return sum(isinstance(one, Idea) for one in said)

    assert ideas(worse) < ideas(before) <= ideas(better)
    for one in (*better, *worse):
        *_, last = one.parts
        assert (last.name, last.samples) == ("learned", 100)
        assert abs(min(100, 10 * sum(part.points for part in one.parts)) - one.score_tenths) < 1.1
    few = _Alike(Tally(29, 1, -28.0, 30.0))
    assert _said(few) == before
    assert _said(bad, learn=False) == before
