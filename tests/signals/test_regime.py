"""Trending, ranging, volatile (docs/indicators.md#regime)."""

from __future__ import annotations

from itertools import pairwise

from engine.model.market import Bar
from engine.signals.regime import REFERENCE, Regime, RegimeDetector
from tests.signals.shapes import bar, wander


def bars(moves: list[tuple[int, int]]) -> list[Bar]:
    """(Move of the close, half of the range beyond it)."""
    close, made = 10_000, []
    for n, (move, reach) in enumerate(moves):
        before, close = close, close + move
        made.append(bar(n, before, max(before, close) + reach, min(before, close) - reach, close))
    return made


SAW = [(7, 1), (-4, 2), (-7, 1), (5, 3), (-6, 2), (1, 1), (-2, 1), (6, 2)] * 10
CLIMB = [(5, 2)] * 40
STORM = [(60, 20), (-60, 20)] * 5


def regimes(moves: list[tuple[int, int]]) -> list[tuple[Regime | None, int]]:
    detector = RegimeDetector()
    found = []
    for one in bars(moves):
        detector.add(one)
        found.append((detector.value, detector.direction))
    return found


def test_it_is_none_until_its_reference_is_full() -> None:
    found = regimes(SAW)
    assert [value for value, _ in found[: REFERENCE - 1]] == [None] * (REFERENCE - 1)
    assert found[REFERENCE - 1] == (Regime.RANGING, 0)


def test_a_saw_ranges_a_climb_trends_its_way_and_a_storm_is_volatile() -> None:
    assert regimes(SAW)[-1] == (Regime.RANGING, 0)
    assert regimes(SAW + CLIMB)[-1] == (Regime.TRENDING, 1)
    assert regimes(SAW + [(-move, reach) for move, reach in CLIMB])[-1] == (Regime.TRENDING, -1)
    assert regimes(SAW + STORM)[-1] == (Regime.VOLATILE, 0)
    assert regimes(SAW + STORM + SAW)[-1] == (Regime.RANGING, 0)


def test_a_name_changes_seldom_on_a_walk_and_each_comes() -> None:
    detector = RegimeDetector()
    names = [detector.add(one) for one in wander(3, 4_000)]
    warm = [one for one in names if one is not None]
    changes = sum(one is not other for one, other in pairwise(warm))
    assert set(warm) == set(Regime)
    assert changes < len(warm) / 20
