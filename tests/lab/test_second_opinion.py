"""What a model adds in a run of the past, and when such a run is no test of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.lab.second_opinion import Yield, seen_by, worth_of
from engine.model.market import NANOS, Side
from engine.state.position import Trade
from tests.support.asked_model import CARD

HOUR = 3600 * NANOS
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        (DAY * 10, DAY * 20, ""),
        (DAY * 10 - 1, DAY * 20, "first was trained on what is played here, 1970-01-03 to 1970-01-11"),
        (DAY * 4, DAY * 5, "first was trained on what is played here, 1970-01-03 to 1970-01-11"),
        (DAY * 1, DAY * 2 + 1, "first was trained on what is played here, 1970-01-03 to 1970-01-11"),
        (DAY * 1, DAY * 2, "first was trained on what came after, 1970-01-03 to 1970-01-11"),
    ],
)
def test_only_what_came_after_its_training_is_a_test_of_a_model(start: int, end: int, says: str) -> None:
    assert seen_by(replace(CARD, trained_from=DAY * 2, trained_to=DAY * 10), start, end) == says


def trade(opened: int, net: int, qty: int = 2, side: Side = Side.BUY, risk: int | None = 100) -> Trade:
    return Trade(
        "MNQ", side, qty, 0, 0, Decimal(net), Decimal(0), opened * HOUR, opened * HOUR + 1, "target",
        risk_usd=None if risk is None else Decimal(risk),
    )  # fmt: skip


def test_trades_are_kept_resized_dropped_and_added() -> None:
    alone = [trade(1, 150), trade(2, -100), trade(3, -50), trade(4, 80), trade(5, 30, risk=None)]
    together = [trade(1, 150), trade(3, -25, qty=1, risk=50), trade(4, -10, side=Side.SELL), trade(6, 200)]
    found = worth_of(alone, together)
    assert (found.kept, found.resized, found.dropped, found.added) == (1, 1, 3, 2)
    assert (found.dropped_r, found.added_r) == (-0.2, 1.9)
    assert found.alone == Yield(5, Decimal(110), 0.8, 0.2)
    assert found.together == Yield(4, Decimal(315), 2.9, 0.725)
    nothing = worth_of([], [])
    assert (nothing.kept, nothing.alone.mean_r) == (0, None)
