"""The correlation of two series by hand, and that it knows no bar before it has closed."""

from __future__ import annotations

import pytest

from engine.model.market import MINUTE, Bar, Timeframe
from engine.signals.correlation import Contradiction, correlated, pearson


def bars(*closes: int, first: int = 0) -> list[Bar]:
    return [
        Bar("X", Timeframe.M1, (first + n) * MINUTE, close, close, close, close, 1)
        for n, close in enumerate(closes)
    ]


BY_HAND = [
    ([(1, 2), (2, 4), (3, 6)], 1.0),
    ([(1, 3), (2, 2), (3, 1)], -1.0),
    ([(1, 1), (2, 3), (3, 2)], 0.5),
    ([(1, 5), (2, 5), (3, 5)], None),
    ([(1, 2)], None),
]


@pytest.mark.parametrize(("pairs", "value"), BY_HAND)
def test_by_hand(pairs: list[tuple[float, float]], value: float | None) -> None:
    assert pearson(pairs) == (None if value is None else pytest.approx(value))


OURS = bars(1000, 1010, 1000, 1020, 1010, 1030)
MIRROR = bars(1000, 990, 1000, 980, 990, 970)


def test_what_a_reference_says_goes_by_sign_and_strength() -> None:
    found = correlated(OURS, MIRROR, 6 * MINUTE, 5, 3)
    assert found is not None
    assert found.correlation < -0.99
    assert found.move == -1
    assert (
        found.direction(0.5),
        Contradiction(0.4, 1).direction(0.5),
        Contradiction(0.6, -1).direction(0.5),
    ) == (
        1,
        0,
        -1,
    )


def test_only_closed_bars_that_both_have_count() -> None:
    assert correlated(OURS, MIRROR, 6 * MINUTE - 1, 5, 3) is None, "the last has not closed"
    assert correlated(OURS, MIRROR, 6 * MINUTE - 1, 4, 3) is not None
    late = [*MIRROR[:2], *MIRROR[3:]]
    assert correlated(OURS, late, 6 * MINUTE, 5, 3) is None
    assert correlated(OURS, late, 6 * MINUTE, 4, 3) is not None
    future = bars(1, 1, 1, first=6)
    assert correlated([*OURS, *future], [*MIRROR, *future], 6 * MINUTE, 5, 3) == correlated(
        OURS, MIRROR, 6 * MINUTE, 5, 3
    )
