"""What a trade-signal message has to say, beyond the notice that an idea was taken."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from engine.model.market import Side
from engine.model.view import Notice


class PatternFacts(Struct, frozen=True):
    """How the pattern behind a signal has done so far. Shares are 0..1."""

    name: str
    trades: int
    """How many the figures rest on."""
    win_rate: float
    profit_factor: float | None = None
    confidence: float | None = None
    source: str = ""
    """Where the figures come from: "backtest", "live"."""


class SignalFacts(Struct, frozen=True):
    """The plan behind a signal. Prices are Decimals in price units, money is USD."""

    side: Side
    qty: int
    """Contracts, all legs together."""
    entry: Decimal
    """The limit price, or about where a market entry fills."""
    stop: Decimal
    targets: tuple[Decimal, ...]
    """Nearest first."""
    risk_usd: Decimal
    """Loss at the stop, costs included."""
    strategy: str
    market: bool = True
    """Enters at market, not by a limit order."""
    score_tenths: int = 0
    """0..100; 0 where the signal has no score."""
    timeframe: str = ""
    reasons: tuple[str, ...] = ()
    pattern: PatternFacts | None = None

    @property
    def reward_to_risk(self) -> float | None:
        """Reward at the nearest target over risk, in price; None without a target or with a stop amiss."""
        if not self.targets:
            return None
        return reward_to_risk(self.side, self.entry, self.stop, self.targets[0])


SignalReader = Callable[[Notice], SignalFacts | None]
"""Gives what is known of the plan behind a notice of kind SIGNAL."""


def no_facts(_notice: Notice) -> None:
    """For engines that tell no more than the notice's words."""
    return


def reward_to_risk(side: Side, entry: Decimal, stop: Decimal, target: Decimal) -> float | None:
    """Reward over risk in price; None where the stop is not on the losing side."""
    risk = (entry - stop) * side.sign
    return float((target - entry) * side.sign / risk) if risk > 0 else None
