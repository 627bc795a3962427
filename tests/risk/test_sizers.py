"""One interface, several policies, hand-computed; and the limits after all of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.alerts import Grade
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import Side
from engine.model.plans import Idea
from engine.model.refusals import Refusal
from engine.model.rooms import GradeSizes, SizePolicy, Sizing
from engine.risk.gate import check
from engine.risk.sizers import Ask, Wanted, sizer
from engine.risk.sizing import contracts, legs
from engine.state.track_record import KELLY_TRADES, TrackRecord
from tests.risk.test_gate import FINE, IDEA

MES = CME_FUTURES["MES"]
D = Decimal
ASK = Ask(MES, price=25_304, stop_ticks=40, limits=RiskLimits(), asked=3, equity_usd=D(50_000))
"""6326 at MES: a contract loses 50 + 1.22 + 2.50 = 53.72 at its stop and is worth 31,630."""
GOOD = TrackRecord(wins=20, losses=10, won_usd=D(2_000), lost_usd=D(1_000))
"""W = 2/3, average win and loss 100: Kelly is 2/3 − 1/3 = 1/3."""


@pytest.mark.parametrize(
    ("plan", "changes", "expected"),
    [
        (Sizing(SizePolicy.GRADE), {}, 3),
        (Sizing(SizePolicy.GRADE), {"asked": None}, 0),
        (Sizing(SizePolicy.RISK), {}, 3),
        (Sizing(SizePolicy.RISK), {"stop_ticks": 200}, 0),
        (Sizing(SizePolicy.EQUITY, equity_percent=D(1)), {}, 9),
        (Sizing(SizePolicy.EQUITY, equity_percent=D("0.1")), {}, 0),
        (Sizing(SizePolicy.EQUITY), {"equity_usd": None}, 0),
        (Sizing(SizePolicy.EQUITY), {"equity_usd": D(-5)}, 0),
        (Sizing(SizePolicy.NOTIONAL, notional_usd=D(100_000)), {}, 3),
        (Sizing(SizePolicy.NOTIONAL, notional_usd=D(31_629)), {}, 0),
        (Sizing(SizePolicy.NOTIONAL, notional_usd=D(31_630)), {}, 1),
        # A quarter of Kelly's third of 50,000 is 4,166: 77 contracts, no cap; a thousandth of it is one.
        (Sizing(SizePolicy.GRADE, kelly_percent=25), {"record": GOOD}, 3),
        (Sizing(SizePolicy.GRADE, kelly_percent=1), {"record": GOOD, "equity_usd": D(30_000)}, 1),
        (Sizing(SizePolicy.GRADE, kelly_percent=25), {"record": TrackRecord(10, 20, D(1_000), D(2_000))}, 0),
        (Sizing(SizePolicy.GRADE, kelly_percent=1), {"record": TrackRecord(0, KELLY_TRADES - 1)}, 3),
        (Sizing(SizePolicy.GRADE, kelly_percent=1), {"record": TrackRecord(0, KELLY_TRADES)}, 0),
        (Sizing(SizePolicy.GRADE, kelly_percent=25), {"record": GOOD, "equity_usd": None}, 3),
        (Sizing(SizePolicy.GRADE, confidence_least=D(0)), {"confidence": D("0.7")}, 2),
        (Sizing(SizePolicy.GRADE, confidence_least=D("0.5")), {"confidence": D(0)}, 1),
        (Sizing(SizePolicy.GRADE, confidence_least=D("0.5")), {"confidence": D(7)}, 3),
        (Sizing(SizePolicy.GRADE, confidence_least=D(0)), {"confidence": D(-1)}, 0),
    ],
)
def test_each_policy(plan: Sizing, changes: dict[str, object], expected: int) -> None:
    assert sizer(plan)(replace(ASK, **changes)) == expected


def test_kelly_by_hand() -> None:
    assert GOOD.kelly() is not None
    assert round(GOOD.kelly() or D(0), 6) == D("0.333333")
    assert TrackRecord(30, 0, D(900)).kelly() == 1
    assert TrackRecord(1, 1, D(9), D(1)).kelly() is None


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [(GradeSizes(), (3, 2, 1)), (GradeSizes(c=2), (6, 4, 2)), (GradeSizes(c=1, b=3, a=5), (5, 3, 1))],
)
def test_c_is_the_base_of_the_grades(sizes: GradeSizes, expected: tuple[int, int, int]) -> None:
    assert tuple(sizes.contracts(grade) for grade in (Grade.A, Grade.B, Grade.C)) == expected


AMOUNTS = st.decimals(0, 999, places=2)


@given(
    st.builds(
        Sizing,
        st.sampled_from(SizePolicy),
        st.decimals("0.01", 100, places=2),
        st.decimals(0, 10_000_000, places=2),
        st.integers(0, 100),
        st.one_of(st.none(), st.decimals(0, 1, places=2)),
    ),
    st.integers(4, 1000),
    st.integers(0, 60),
    st.builds(
        TrackRecord,
        st.integers(0, 99),
        st.integers(0, 99),
        st.decimals(0, 999, places=2),
        st.decimals(0, 999, places=2),
    ),
    st.one_of(st.none(), st.decimals(-1000, 200_000, places=2)),
)
def test_whatever_a_sizer_wants_the_limits_bound_it(
    plan: Sizing, stop: int, asked: int, record: TrackRecord, equity: Decimal | None
) -> None:
    limits = RiskLimits(reward_to_risk_min=0)
    idea = replace(IDEA, stop=IDEA.reference - stop, targets=(IDEA.reference + stop,))
    known = CME_FUTURES["MNQ"]
    now = replace(FINE, record=record, equity_usd=equity, daily_headroom_usd=None, max_loss_headroom_usd=None)
    qty, against = check(idea, known, limits, now, Wanted(sizer(plan), asked))
    assert 0 <= qty <= contracts(known, 1000, stop, limits) <= limits.max_contracts
    assert (qty == 0) is (Refusal.SIZE_ZERO in {one.refusal for one in against})
    if plan.policy is SizePolicy.GRADE:
        assert qty <= asked


def test_a_trade_too_large_for_its_room_is_refused_not_made_smaller() -> None:
    now = replace(FINE, room_headroom_usd=D(100))
    qty, against = check(IDEA, CME_FUTURES["MNQ"], RiskLimits(), now)
    assert (qty, [one.refusal for one in against]) == (5, [Refusal.ROOM_LOSS])


def test_the_legs_of_an_alert_have_its_own_prices() -> None:
    idea = Idea("jm", "MNQ", Side.SELL, 1000, 1040, (970, 950), 0, (), 0, origin="alert:jm:1")
    first, second = legs(idea, 3, absolute=True)
    assert (first.stop, first.target, first.stop_offset, first.target_offset) == (1040, 970, 40, -30)
    assert (second.qty, second.stop, second.target) == (2, 1040, 950)
    assert all(leg.stop is None and leg.target is None for leg in legs(idea, 3))
