"""How the trades of one strategy or room have ended, and what share of the equity that speaks for."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

KELLY_TRADES = 30
"""Of fewer trades the Kelly fraction says nothing (docs/semantics.md#kelly-fraction)."""


class TrackRecord(Struct, frozen=True):
    """How the trades of one strategy or room have ended. Amounts in USD, net, both positive."""

    wins: int = 0
    losses: int = 0
    won_usd: Decimal = Decimal(0)
    lost_usd: Decimal = Decimal(0)

    @property
    def trades(self) -> int:
        return self.wins + self.losses

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
