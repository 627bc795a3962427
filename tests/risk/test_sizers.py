"""Every policy for every kind of instrument, hand-computed to the last lot; the limits come after them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.alerts import Grade
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import Side
from engine.model.plans import Idea
from engine.model.refusals import Refusal
from engine.model.rooms import GradeSizes
from engine.model.sizing import (
    ByConfidence,
    ByEquity,
    ByEquityNotional,
    ByGrade,
    ByKelly,
    ByNotional,
    ByRisk,
    Sizing,
)
from engine.risk.gate import check
from engine.risk.sizers import Ask, wish
from engine.risk.sizing import legs
from engine.state.track_record import KELLY_TRADES, TrackRecord
from tests.risk.test_gate import FINE, IDEA
from tests.support.instruments import PERPETUAL, SHARE, SPOT

D = Decimal
GOOD = TrackRecord(wins=20, losses=10, won_usd=D(2_000), lost_usd=D(1_000))
"""W = 2/3, average win and loss 100: Kelly is 2/3 − 1/3 = 1/3."""
FEW = TrackRecord(wins=KELLY_TRADES - 1)
ASKS = {
    # 6326: one loses 42 ticks, 52.50, and 1.22 at its stop, and is worth 31,630
    "future": Ask(CME_FUTURES["MES"], 25_304, 40, RiskLimits(), equity_usd=D(50_000), record=GOOD),
    # 60,000: 0.0001 BTC loses 2002 ticks, 0.02002, and 0.00601001 of fees, and is worth 6
    "perpetual": Ask(PERPETUAL, 600_000, 2_000, RiskLimits(), equity_usd=D(50_000), record=GOOD),
    # 3,000: 0.0001 ETH loses 1002 ticks, 0.001002, and 0.000601002 of fees, and is worth 0.30
    "spot": Ask(SPOT, 300_000, 1_000, RiskLimits(), equity_usd=D(50_000), record=GOOD),
    # 100: a share loses 102 cents and 0.7 of commission, and is worth 100
    "equity": Ask(SHARE, 10_000, 100, RiskLimits(), equity_usd=D(50_000), record=GOOD),
}
KELLY = ByKelly(ByGrade(), percent=D(25), most_percent=D(10))
BY_KIND: list[tuple[Sizing, tuple[int, int, int, int]]] = [
    (ByGrade(), (3, 3, 3, 3)),
    (ByRisk(), (3, 7_683, 124_765, 194)),  # 200 USD
    (ByRisk(D(75)), (1, 2_881, 46_787, 73)),
    (ByEquity(D(2)), (18, 38_417, 623_829, 973)),  # 1,000 USD
    (ByNotional(D(100_000)), (3, 16_666, 333_333, 1_000)),
    (ByEquityNotional(D(150)), (2, 12_500, 250_000, 750)),  # 75,000 USD
    (KELLY, (77, 160_071, 2_599_289, 4_057)),  # a quarter of a third: 4,166.66 USD
    (replace(KELLY, most_percent=D(2)), (18, 38_417, 623_829, 973)),
    (ByConfidence(ByRisk(), D(50), D(100)), (3, 7_683, 124_765, 194)),
    (ByConfidence(ByRisk(), D(25), D(50)), (1, 3_841, 62_382, 97)),
]


@pytest.mark.parametrize(("sizing", "lots"), BY_KIND)
def test_each_policy_and_kind_of_instrument(sizing: Sizing, lots: tuple[int, ...]) -> None:
    found = {kind: wish(sizing, ask) for kind, ask in ASKS.items()}
    assert tuple(found[kind].lots for kind in ASKS) == lots
    for kind, wished in found.items():
        assert wished.why.endswith(f" {ASKS[kind].text(wished.lots)}"), kind


@pytest.mark.parametrize(
    ("sizing", "changes", "lots", "why"),
    [
        (ByGrade(), {"asked": 2}, 2, "2 asked for"),
        (ByGrade(), {"confidence": Fraction(79, 100)}, 2, "score 7.9 is grade B: 2"),
        (ByGrade(), {"confidence": Fraction(7, 10)}, 2, "score 7.0 is grade B: 2"),
        (ByGrade(9, 4, 2, 95, 60), {"confidence": Fraction(59, 100)}, 2, "score 5.9 is grade C: 2"),
        (ByRisk(D("53.72")), {}, 1, "53.72 at risk, 53.72 each: 1"),
        (ByRisk(D("53.71")), {}, 0, "53.71 at risk, 53.72 each: 0"),
        (ByEquity(D(1)), {}, 9, "1 % of 50000.00 equity: 500.00 at risk, 53.72 each: 9"),
        (ByEquity(D(1)), {"equity_usd": D(-5)}, 0, "1 % of −5.00 equity: 0.00 at risk, 53.72 each: 0"),
        (ByEquity(D(1)), {"equity_usd": None}, 0, "the book's equity is not known yet"),
        (ByEquityNotional(D(50)), {"equity_usd": None}, 0, "the book's equity is not known yet"),
        (ByNotional(D(31_629)), {}, 0, "a worth of 31629.00, 31630.00 each: 0"),
        (ByNotional(D(31_630)), {}, 1, "a worth of 31630.00, 31630.00 each: 1"),
        (ByNotional(D(1)), {"price": 0}, 0, "one lot is worth nothing"),
        (
            KELLY,
            {"equity_usd": D("644.64")},
            1,
            "25 % of Kelly's 0.333 by 30 trades of 644.64 equity: 53.72 at risk, 53.72 each: 1",
        ),
        (
            replace(KELLY, most_percent=D(1)),
            {},
            9,
            "25 % of Kelly's 0.333 by 30 trades, at most 1 % of 50000.00 equity: "
            "500.00 at risk, 53.72 each: 9",
        ),
        (KELLY, {"record": FEW, "asked": 3}, 3, "29 of 30 trades for Kelly, so 3 asked for"),
        (KELLY, {"equity_usd": None, "asked": 1}, 1, "the book's equity is not known yet, so 1 asked for"),
        (
            KELLY,
            {"record": TrackRecord(10, 20, D(1_000), D(2_000))},
            0,
            "25 % of Kelly's 0.000 by 30 trades of 50000.00 equity: 0.00 at risk, 53.72 each: 0",
        ),
        # thirds are exact: a third of 3 is 1, as Decimals it would be 0.999...
        (
            ByConfidence(ByGrade(), D(0), D(100)),
            {"asked": 3, "confidence": Fraction(1, 3)},
            1,
            "33 % of 3 (3 asked for): 1",
        ),
        (
            ByConfidence(ByGrade(), D(50), D(150)),
            {"asked": 4, "confidence": Fraction(3, 4)},
            5,
            "125 % of 4 (4 asked for): 5",
        ),
        (
            ByConfidence(ByGrade(), D(50), D(150)),
            {"asked": 4, "confidence": Fraction(-1)},
            2,
            "50 % of 4 (4 asked for): 2",
        ),
        (
            ByConfidence(KELLY, D(50), D(100)),
            {"record": FEW, "asked": 2, "confidence": Fraction(0)},
            1,
            "50 % of 2 (29 of 30 trades for Kelly, so 2 asked for): 1",
        ),
    ],
)
def test_a_wish_says_how_it_comes_about(sizing: Sizing, changes: dict[str, Any], lots: int, why: str) -> None:
    assert wish(sizing, replace(ASKS["future"], **changes)) == (lots, why)


def test_kelly_by_hand() -> None:
    assert GOOD.kelly() == Fraction(1, 3)
    assert TrackRecord(30, 0, D(900)).kelly() == 1
    assert TrackRecord(0, 30, D(0), D(900)).kelly() == 0
    assert TrackRecord(1, 1, D(9), D(1)).kelly() is None


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [(GradeSizes(), (3, 2, 1)), (GradeSizes(c=2), (6, 4, 2)), (GradeSizes(c=1, b=3, a=5), (5, 3, 1))],
)
def test_c_is_the_base_of_the_grades(sizes: GradeSizes, expected: tuple[int, int, int]) -> None:
    assert tuple(sizes.contracts(grade) for grade in (Grade.A, Grade.B, Grade.C)) == expected


def test_a_trade_too_large_for_its_room_is_refused_not_made_smaller() -> None:
    now = replace(FINE, room_headroom_usd=D(100))
    qty, against, _ = check(IDEA, CME_FUTURES["MNQ"], RiskLimits(), now)
    assert (qty, [one.refusal for one in against]) == (5, [Refusal.ROOM_LOSS])


def test_the_legs_of_an_alert_have_its_own_prices() -> None:
    idea = Idea("jm", "MNQ", Side.SELL, 1000, 1040, (970, 950), 0, (), 0, origin="alert:jm:1")
    first, second = legs(idea, 3, absolute=True)
    assert (first.stop, first.target, first.stop_offset, first.target_offset) == (1040, 970, 40, -30)
    assert (second.qty, second.stop, second.target) == (2, 1040, 950)
    assert all(leg.stop is None and leg.target is None for leg in legs(idea, 3))
