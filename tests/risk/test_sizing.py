"""Contracts from what a trade may lose, and how they are split over the targets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import Side
from engine.model.plans import Idea, Leg
from engine.risk.sizing import contracts, legs, loss_usd


def _limits(risk: str, most: int = 50, slippage: int = 1) -> RiskLimits:
    return RiskLimits(risk_per_trade_usd=Decimal(risk), max_contracts=most, slippage_ticks=slippage)


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


@pytest.mark.parametrize(
    ("symbol", "stop", "risk", "expected"),
    [
        # MNQ, 40 ticks: 20.00 + 1.22 costs + 1.00 slippage of both sides = 22.22
        ("MNQ", 40, "200", 9),
        ("MNQ", 40, "22.22", 1),
        ("MNQ", 40, "22.21", 0),
        ("MNQ", 40, "44.44", 2),
        # ES, 8 ticks: 100 + 2.80 + 25 = 127.80; the tick value is in it
        ("ES", 8, "255.60", 2),
        ("ES", 8, "255.59", 1),
        ("MGC", 100, "200", 1),
        ("GC", 100, "200", 0),
    ],
)
def test_the_risk_of_every_contract_is_within_what_a_trade_may_lose(
    symbol: str, stop: int, risk: str, expected: int
) -> None:
    assert contracts(CME_FUTURES[symbol], 1000, stop, _limits(risk)) == expected


def test_the_most_contracts_are_a_limit_of_their_own() -> None:
    assert contracts(CME_FUTURES["MNQ"], 1000, 4, _limits("1000", most=3)) == 3


def test_slippage_is_counted_on_both_sides() -> None:
    known = CME_FUTURES["MNQ"]
    assert loss_usd(known, 1000, 40, _limits("1", slippage=0)) == Decimal("21.22")
    assert loss_usd(known, 1000, 40, _limits("1", slippage=2)) == Decimal("23.22")


@given(
    st.sampled_from(sorted(CME_FUTURES)),
    st.integers(1, 1000),
    st.decimals(0, 5000, places=2),
    st.integers(0, 60),
    st.integers(0, 5),
)
def test_it_is_the_greatest_number_that_fits(
    symbol: str, stop: int, risk: Decimal, most: int, slippage: int
) -> None:
    limits = RiskLimits(risk_per_trade_usd=risk, max_contracts=most, slippage_ticks=slippage)
    qty = contracts(CME_FUTURES[symbol], 1000, stop, limits)
    each = loss_usd(CME_FUTURES[symbol], 1000, stop, limits)
    assert 0 <= qty <= most
    assert qty * each <= risk
    assert qty == most or (qty + 1) * each > risk


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
