"""How trades have ended, and what share of the equity that speaks for
(docs/statistics.md#trades).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

KELLY_TRADES = 30
"""Of fewer trades the Kelly fraction says nothing (docs/semantics.md#kelly-fraction)."""


class TrackRecord(Struct, frozen=True):
    """How trades of a strategy, a room or a day have ended. Amounts in USD, net, both positive.

    A win has earned something net of all costs; whatever has not is a loss.
    """

    wins: int = 0
    losses: int = 0
    won_usd: Decimal = Decimal(0)
    lost_usd: Decimal = Decimal(0)

    @property
    def trades(self) -> int:
        return self.wins + self.losses

    @property
    def net_usd(self) -> Decimal:
        return self.won_usd - self.lost_usd

    @property
    def win_rate(self) -> float | None:
        """0..1; None without a trade."""
        return self.wins / self.trades if self.trades else None

    @property
    def profit_factor(self) -> float | None:
        """What was won over what was lost; None where nothing was lost."""
        return float(self.won_usd / self.lost_usd) if self.lost_usd else None

    def with_trade(self, net_usd: Decimal) -> TrackRecord:
        """The same with one more trade."""
        if net_usd > 0:
            return replace(self, wins=self.wins + 1, won_usd=self.won_usd + net_usd)
        return replace(self, losses=self.losses + 1, lost_usd=self.lost_usd - net_usd)

    def kelly(self) -> Fraction | None:
        """Share of the equity, never negative: W − (1 − W) / (average win / average loss). None while
        there are too few trades.
        """
        if self.trades < KELLY_TRADES:
            return None
        if not self.wins or not self.won_usd:
            return Fraction(0)
        won = Fraction(self.wins, self.trades)
        if not self.losses or not self.lost_usd:
            return won
        payoff = Fraction(self.won_usd) / self.wins * self.losses / Fraction(self.lost_usd)
        return max(Fraction(0), won - (1 - won) / payoff)
