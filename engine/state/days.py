"""Money of one trade date in one book, and of the account that it began with."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from msgspec import Struct, field

from engine.model.market import MINUTE
from engine.model.view import EquityPoint
from engine.state.position import Trade
from engine.state.track_record import TrackRecord

EQUITY_POINTS = 2_000
CURVE_POINTS = 180
"""More are thinned to every other one: one a minute for three hours, then one in two minutes, and so on."""
DAYS_KEPT = 400
CURVES_KEPT = 10
"""Of so many of the newest days that are over the curves are kept, each of about so many points:"""
ENDED_POINTS = 60


class DayStats(Struct):
    """Money of one trade date in one book, USD. A trade over 17:00 counts with its part of the day only."""

    gross_usd: Decimal = Decimal(0)
    """Of closed trades, without what earlier days have booked of them."""
    costs_usd: Decimal = Decimal(0)
    """Of every fill."""
    banked_usd: Decimal = Decimal(0)
    """Of closed trades, gross: what the balance gained by them since 17:00."""
    entries: int = 0
    """Plans opened."""
    trades: int = 0
    wins: int = 0
    won_usd: Decimal = Decimal(0)
    lost_usd: Decimal = Decimal(0)
    losses_in_a_row: int = 0
    equity: list[Decimal] = field(default_factory=list)
    """Net closed P&L after each trade."""
    high_usd: Decimal = Decimal(0)
    """Of the total P&L, what is open included, as far as it is written down."""
    low_usd: Decimal = Decimal(0)
    max_drawdown_usd: Decimal = Decimal(0)
    """Deepest fall of the total P&L from its high."""
    curve: list[EquityPoint] = field(default_factory=list)
    """The total P&L over time, oldest first."""
    recounts: int = 0
    """Times that the past has turned out to be another."""

    @property
    def record(self) -> TrackRecord:
        """How its trades have ended."""
        return TrackRecord(self.wins, self.trades - self.wins, self.won_usd, self.lost_usd)

    def book_trade(
        self,
        trade: Trade,
        *,
        gross_before_usd: Decimal = Decimal(0),
        costs_before_usd: Decimal = Decimal(0),
        taken_before_usd: Decimal = Decimal(0),
    ) -> None:
        """Count a trade. The `before` amounts are what earlier days have booked of it: whether it won, the
        day's part says.
        """
        net = trade.net_usd - gross_before_usd + costs_before_usd
        self.gross_usd += trade.gross_usd - gross_before_usd
        self.banked_usd += trade.gross_usd - taken_before_usd
        self.trades += 1
        self._count(net, 1)
        self.losses_in_a_row = 0 if net > 0 else self.losses_in_a_row + 1
        self.equity.append(self.won_usd - self.lost_usd)
        del self.equity[:-EQUITY_POINTS]

    def recount(self, before: Trade, after: Trade, later: int) -> None:
        """A trade that is counted has another result; `later` trades were counted after it."""
        gross, net = after.gross_usd - before.gross_usd, after.net_usd - before.net_usd
        self.gross_usd += gross
        self.banked_usd += gross
        parts = [total - earlier for earlier, total in pairwise((Decimal(0), *self.equity))]
        place = len(parts) - 1 - later
        part = parts[place] if place > 0 or self.trades == len(parts) else before.net_usd
        self._count(part, -1)
        self._count(part + net, 1)
        place = max(0, place)
        parts[place] += net
        for n in range(place, len(self.equity)):
            self.equity[n] += net
        self.losses_in_a_row = next((n for n, made in enumerate(reversed(parts)) if made > 0), len(parts))
        self._look_back(before.closed_ts)

    def _look_back(self, since: int) -> None:
        """What the total was from `since` on (nanoseconds UTC) was not so: the points before it are left."""
        self.recounts += 1
        self.curve = [point for point in self.curve if point.ts < since]
        self.high_usd = self.low_usd = self.max_drawdown_usd = Decimal(0)
        for total in (*(point.usd for point in self.curve), self.equity[-1]):
            self.high_usd, self.low_usd = max(self.high_usd, total), min(self.low_usd, total)
            self.max_drawdown_usd = max(self.max_drawdown_usd, self.high_usd - total)

    def add_point(self, point: EquityPoint) -> None:
        """Add to the curve; the newest point moves on until it is far enough from the one before."""
        curve, step = self.curve, MINUTE
        while curve and point.ts - curve[0].ts > step * CURVE_POINTS:
            step *= 2
        if len(curve) > 1 and point.ts - curve[-2].ts < step:
            curve[-1] = point
            return
        curve.append(point)
        if len(curve) > CURVE_POINTS:
            del curve[1:-1:2]

    def _count(self, net: Decimal, sign: int) -> None:
        if net > 0:
            self.wins += sign
            self.won_usd += sign * net
        else:
            self.lost_usd -= sign * net


class DayResult(Struct):
    """What a trade date that is over came to, USD: net, open trades at their mark at its end."""

    trade_date: str
    net_usd: Decimal
    high_usd: Decimal = Decimal(0)
    """Extremes of its total P&L and the deepest fall from its high, as `DayStats` has them."""
    low_usd: Decimal = Decimal(0)
    max_drawdown_usd: Decimal = Decimal(0)
    curve: list[EquityPoint] = field(default_factory=list)
    """Its total over time, of the newest days alone."""


def thinned(curve: list[EquityPoint]) -> list[EquityPoint]:
    """Few points of a day that is over, its first and last among them."""
    step = -(-len(curve) // ENDED_POINTS)
    return curve if step < 2 else [*curve[:-1:step], curve[-1]]


class BalanceMark(Struct):
    """The account's balance as days end, USD, in the venue's own frame."""

    account_id: str
    trade_date: str
    """The newest one that began with a known balance."""
    opening_usd: Decimal
    start_usd: Decimal
    high_usd: Decimal
    """Highest end-of-day balance seen."""
