from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.market import USUAL, Timeframe
from engine.signals.alignment import WEIGHTS_PCT, AlignmentConfig, align
from engine.signals.frame import Reading

M1, M5, M15, M30, H1 = USUAL


def readings(*rows: tuple[int, float]) -> dict[Timeframe, Reading]:
    return {
        frame: Reading(direction, strength) for frame, (direction, strength) in zip(USUAL, rows, strict=True)
    }


def test_the_weights_are_those_of_the_rule_and_sum_to_all() -> None:
    assert WEIGHTS_PCT == {M1: 15, M5: 30, M15: 25, M30: 20, H1: 10}
    assert sum(WEIGHTS_PCT.values()) == 100


CASES = [
    ([(1, 1.0)] * 5, 1, 100, 5, ""),
    ([(-1, 0.5)] * 5, -1, 50, 5, ""),
    ([(1, 1.0), (1, 1.0), (1, 0.6), (0, 0.9), (0, 0.3)], 1, 60, 3, ""),
    ([(1, 1.0), (1, 1.0), (0, 0.0), (0, 0.0), (0, 0.0)], 1, 45, 2, "2 of 5 timeframes"),
    ([(1, 1.0), (1, 1.0), (1, 1.0), (1, 1.0), (-1, 0.1)], 1, 89, 4, "1h points down"),
    ([(-1, 1.0), (-1, 1.0), (-1, 1.0), (1, 0.2), (1, 0.2)], -1, 64, 3, "30m and 1h point up"),
    ([(-1, 1.0), (1, 1.0), (1, 1.0), (1, 1.0), (0, 1.0)], 1, 60, 3, ""),
    ([(0, 0.9)] * 5, 0, 0, 0, "no direction"),
]


@pytest.mark.parametrize(("rows", "direction", "tenths", "agreeing", "objection"), CASES)
def test_alignment_by_hand(
    rows: list[tuple[int, float]], direction: int, tenths: int, agreeing: int, objection: str
) -> None:
    result = align(readings(*rows))
    assert (result.direction, result.score_tenths, result.agreeing) == (direction, tenths, agreeing)
    assert result.objection == objection


def test_weights_votes_and_vetoes_are_as_they_are_told() -> None:
    """2m 40 %, 5m 40 %, 4h 20 %: two have to agree, and 4h may not object."""
    m2, h4 = Timeframe.M2, Timeframe.H4
    config = AlignmentConfig(((m2, 40), (M5, 40), (h4, 20)), 2, (h4,))
    up = align({m2: Reading(1, 1.0), M5: Reading(1, 0.5), h4: Reading(0, 0.4)}, config)
    assert (up.score_tenths, up.agreeing, up.of, up.objection) == (60, 2, 3, "")
    assert [(part.name, part.points, part.weight_pct) for part in up.parts] == [
        ("2m", 4.0, 40),
        ("5m", 2.0, 40),
        ("4h", 0.0, 20),
    ]
    against = align({m2: Reading(1, 1.0), M5: Reading(1, 0.5), h4: Reading(-1, 0.5)}, config)
    assert (against.score_tenths, against.parts[2].points) == (50, -1.0)
    assert against.objection == "4h points down"
    alone = align({m2: Reading(1, 1.0), M5: Reading(0, 0.5), h4: Reading(0, 0.5)}, config)
    assert alone.objection == "1 of 3 timeframes"


def test_a_missing_frame_says_nothing() -> None:
    result = align({M5: Reading(1, 1.0)})
    assert (result.score_tenths, result.agreeing, result.objection) == (30, 1, "1 of 5 timeframes")


opinions = st.tuples(st.sampled_from([-1, 0, 1]), st.floats(0, 1))


@given(st.tuples(*[opinions] * 5))
def test_the_mirror_of_the_market_gives_the_mirror_of_the_answer(rows: tuple[tuple[int, float], ...]) -> None:
    ours = align(readings(*rows))
    mirrored = align(readings(*((-direction, strength) for direction, strength in rows)))
    assert 0 <= ours.score_tenths <= 100
    assert (mirrored.direction, mirrored.score_tenths, mirrored.agreeing) == (
        -ours.direction,
        ours.score_tenths,
        ours.agreeing,
    )
    for one in (ours, mirrored):
        assert abs(10 * sum(part.points for part in one.parts) - one.score_tenths) < 0.6
    assert bool(mirrored.objection) == bool(ours.objection)
