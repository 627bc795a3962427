"""Believable signals, and what was learned of patterns, for a picture to serve."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from engine.model.market import MINUTE, Side, Timeframe
from engine.model.orders import OrderStatus, OrderType, Slot
from engine.model.scores import PatternSeen, Requirement, RequirementCheck, ScorePart
from engine.model.view_signals import OrderFact, PatternView, SignalFate, SignalView
from tests.tui.charts import NOW


def signals() -> tuple[SignalView, ...]:
    """A near miss, a refusal and an entry in MNQ, oldest first."""
    seen = PatternSeen("block_held", Timeframe.M5, 1, NOW - 2 * MINUTE, 84085, "trending", 9)
    parts = (
        ScorePart("1m", 1.2, 15, 1, 80), ScorePart("5m", 2.55, 30, 1, 85), ScorePart("15m", 2.0, 25, 1, 80),
        ScorePart("30m", 1.2, 20, 1, 60), ScorePart("1h", 0.0, 10, 0, 20),
        ScorePart("learned", 0.4, samples=41, value=0.2),
    )  # fmt: skip
    met = (
        RequirementCheck(Requirement.TREND, True, 0, 0),
        RequirementCheck(Requirement.ALIGNMENT, True, 4, 3),
        RequirementCheck(Requirement.SCORE, True, 7.4, 5.0),
        RequirementCheck(Requirement.VOLUME, True, 1.62, 1.0),
        RequirementCheck(Requirement.REWARD_TO_RISK, True, 2.0, 1.5),
    )
    few = RequirementCheck(Requirement.ALIGNMENT, False, 2, 3, "2 of 5 timeframes")
    entry = OrderFact(
        NOW - 2 * MINUTE, NOW - 2 * MINUTE + 10**9, Slot.ENTRY, Side.BUY, OrderType.MARKET, 2, 2, None,
        OrderStatus.FILLED,
    )  # fmt: skip
    stop = OrderFact(
        NOW - 2 * MINUTE, NOW - MINUTE, Slot.STOP, Side.SELL, OrderType.STOP, 2, 0, Decimal("21015.25"),
        OrderStatus.WORKING,
    )  # fmt: skip
    shown: dict[str, Any] = {
        "strategy": "zones", "parts": parts, "pattern": seen, "pattern_price": "21021.25"
    }  # fmt: skip
    earlier = shown | {"pattern": replace(seen, known_at=NOW - 22 * MINUTE)}
    return (
        SignalView(NOW - 30 * MINUTE, SignalFate.DECLINED, "MNQ", Side.SELL, 51,
                   ("2 of 5 timeframes (requirement 2)",), "zones", parts=parts[:5], checks=(few,)),
        SignalView(NOW - 22 * MINUTE, SignalFate.REFUSED, "MNQ", Side.BUY, 74,
                   ("a trade is already open in this contract",), book="practice", checks=met, **earlier),
        SignalView(NOW - 2 * MINUTE, SignalFate.ENTERED, "MNQ", Side.BUY, 74,
                   ("OB 21021.25 5m", "4 of 5 agree", "R:R 2.0"), book="practice", plan="1-7",
                   size="2 contracts: 1 % of 50,152.20 USD over 24 ticks", checks=met, orders=(entry, stop),
                   **shown),
    )  # fmt: skip


def patterns() -> tuple[PatternView, ...]:
    return (
        PatternView("block_held", "5m", "MNQ", "trending", 41, 24, 0.5246, 0.21, 0.16, True),
        PatternView("level_held", "15m", "MES", "ranging", 33, 9, 0.3208, -0.31, 0.17, True),
        PatternView("block_held", "1m", "MGC", "trending", 7, 4, 0.4444, 0.06, 0.24, False),
    )
