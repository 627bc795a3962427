"""What one lot loses at its stop, and how a quantity is split over the targets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import Side
from engine.model.plans import Idea, Leg
from engine.risk.sizing import legs, loss_usd


def _idea(*targets: int, side: Side = Side.BUY, stop: int = 40) -> Idea:
    return Idea(
        strategy="test",
        instrument="MNQ",
        side=side,
        reference=1000,
        stop=1000 - stop * side.sign,
        targets=tuple(1000 + t * side.sign for t in targets),
        score_tenths=80,
        reasons=(),
        ts=0,
    )


def test_slippage_is_counted_on_both_sides() -> None:
    known = CME_FUTURES["MNQ"]
    assert loss_usd(known, 1000, 40, RiskLimits(slippage_ticks=0)) == Decimal("21.22")
    assert loss_usd(known, 1000, 40, RiskLimits(slippage_ticks=2)) == Decimal("23.22")


@pytest.mark.parametrize(
    ("qty", "expected"),
    [
        (1, (Leg(1, -40, 60),)),
        (2, (Leg(1, -40, 60), Leg(1, -40, 120))),
        (3, (Leg(1, -40, 60), Leg(2, -40, 120))),
        (4, (Leg(2, -40, 60), Leg(2, -40, 120))),
        (5, (Leg(2, -40, 60), Leg(3, -40, 120))),
    ],
)
def test_half_leaves_at_the_first_target_rounded_down(qty: int, expected: tuple[Leg, ...]) -> None:
    assert legs(_idea(60, 120), qty) == expected


def test_a_short_has_its_stop_above_and_its_targets_below() -> None:
    assert legs(_idea(60, 120, side=Side.SELL), 3) == (Leg(1, 40, -60), Leg(2, 40, -120))


def test_with_one_target_or_none_there_is_one_leg() -> None:
    assert legs(_idea(60), 4) == (Leg(4, -40, 60),)
    assert legs(_idea(), 4) == (Leg(4, -40, None),)


@given(st.integers(1, 50), st.lists(st.integers(4, 500), max_size=3))
def test_no_contract_is_lost_or_made_up(qty: int, targets: list[int]) -> None:
    split = legs(_idea(*targets), qty)
    assert sum(leg.qty for leg in split) == qty
    assert all(leg.qty > 0 and leg.stop_offset == -40 for leg in split)
