"""How the trades of one strategy or room have ended, and what share of the equity that speaks for."""

from __future__ import annotations

from decimal import Decimal

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

    def kelly(self) -> Decimal | None:
        """Share of the equity, never negative: W − (1 − W) / (average win / average loss). None while
        there are too few trades.
        """
        if self.trades < KELLY_TRADES:
            return None
        if not self.wins or not self.won_usd:
            return Decimal(0)
        won = Decimal(self.wins) / self.trades
        if not self.losses or not self.lost_usd:
            return won
        payoff = (self.won_usd / self.wins) / (self.lost_usd / self.losses)
        return max(Decimal(0), won - (1 - won) / payoff)
