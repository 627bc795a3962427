"""Money of one trade date in one book, and of the account that it began with."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

from engine.state.position import Trade

EQUITY_POINTS = 2_000
DAYS_KEPT = 400


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
    peak_usd: Decimal = Decimal(0)
    max_drawdown_usd: Decimal = Decimal(0)

    def book_trade(
        self,
        trade: Trade,
        *,
        gross_before_usd: Decimal = Decimal(0),
        costs_before_usd: Decimal = Decimal(0),
        taken_before_usd: Decimal = Decimal(0),
    ) -> None:
        """Count a trade. The `before` amounts are what earlier days have booked of it.

        Whether it won, the trade as a whole says.
        """
        net = trade.net_usd - gross_before_usd + costs_before_usd
        self.gross_usd += trade.gross_usd - gross_before_usd
        self.banked_usd += trade.gross_usd - taken_before_usd
        self.trades += 1
        if trade.net_usd > 0:
            self.wins += 1
            self.losses_in_a_row = 0
        else:
            self.losses_in_a_row += 1
        if net > 0:
            self.won_usd += net
        else:
            self.lost_usd -= net
        total = self.won_usd - self.lost_usd
        self.equity.append(total)
        del self.equity[:-EQUITY_POINTS]
        self.peak_usd = max(self.peak_usd, total)
        self.max_drawdown_usd = max(self.max_drawdown_usd, self.peak_usd - total)

    def recount(self, before: Trade, after: Trade, later: int) -> None:
        """A trade that is counted has another result; `later` trades were counted after it."""
        gross, net = after.gross_usd - before.gross_usd, after.net_usd - before.net_usd
        self.gross_usd += gross
        self.banked_usd += gross
        match before.net_usd > 0, after.net_usd > 0:
            case True, True:
                self.won_usd += net
            case False, False:
                self.lost_usd -= net
            case True, False:
                self.wins -= 1
                self.won_usd -= before.net_usd
                self.lost_usd -= after.net_usd
            case _:
                self.wins += 1
                self.won_usd += after.net_usd
                self.lost_usd += before.net_usd
        for n in range(max(0, len(self.equity) - 1 - later), len(self.equity)):
            self.equity[n] += net
        self.peak_usd = self.max_drawdown_usd = Decimal(0)
        for total in self.equity:
            self.peak_usd = max(self.peak_usd, total)
            self.max_drawdown_usd = max(self.max_drawdown_usd, self.peak_usd - total)


class DayResult(Struct):
    """What a trade date that is over came to, USD: net, open trades at their mark at its end."""

    trade_date: str
    net_usd: Decimal


class BalanceMark(Struct):
    """The account's balance as days end, USD, in the venue's own frame."""

    account_id: str
    trade_date: str
    """The newest one that began with a known balance."""
    opening_usd: Decimal
    start_usd: Decimal
    high_usd: Decimal
    """Highest end-of-day balance seen."""
