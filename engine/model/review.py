"""What is asked of trades that are over, and what is told: looked at like a chart, and no part of the View.

Prices are Decimals in price units, money is net of costs in the currency that is named, times are nanoseconds
UTC. Days are trade dates of the book's calendar, in ISO.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.market import Side
from engine.model.orders import AccountKind

TRADES_TOLD = 500
"""The newest trades of a range that are told one by one; figures are of all of them."""
DAYS_TOLD = 400
FEW = 30
"""Of fewer trades a figure says little."""


class Span(StrEnum):
    DAY = "day"
    WEEK = "week"
    """Monday to Sunday."""
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


class JournalAsked(Struct, frozen=True, tag="journal"):
    """Trades of a range of days. Nothing is written because of it."""

    span: Span = Span.WEEK
    day: str = ""
    """A trade date in it; empty for the newest that anything is known of."""
    book: str = ""
    """Only of this one; empty for all of the strictest kind of money, in its currency."""


class ReviewedTrade(Struct, frozen=True):
    """One finished trade, flat to flat, with all that is known of it."""

    key: str
    """Names it in its book, for its note."""
    book: str
    instrument: str
    side: Side
    qty: int
    entry: Decimal
    exit: Decimal
    opened_ts: int
    closed_ts: int
    trade_date: str
    """The one that it was closed in."""
    net_usd: Decimal
    gross_usd: Decimal
    costs_usd: Decimal
    r: float | None
    mae_usd: Decimal
    mfe_usd: Decimal
    efficiency: float | None
    """What it made, gross, of its best open result."""
    reason: str
    """Why it ended: T1, stop, be_stop, trail, manual, ..."""
    slippage_usd: Decimal | None
    """What its fills were worse by than the prices that were asked for; below zero where they were better."""
    owner: str = ""
    """Bot, room or strategy; "manual" of a person's."""
    setup: str = ""
    timeframe: str = ""
    score_tenths: int = 0
    reasons: tuple[str, ...] = ()
    note: str = ""
    tags: tuple[str, ...] = ()


class Group(Struct, frozen=True):
    """What trades that have something in common came to. What there is no sample for is None."""

    name: str
    trades: int
    wins: int
    net_usd: Decimal
    profit_factor: float | None = None
    expectancy_r: float | None = None
    r_trades: int = 0
    """Trades of which the R is known."""
    average_mae_usd: Decimal | None = None
    average_mfe_usd: Decimal | None = None
    efficiency: float | None = None
    win_low: float | None = None
    """Between this"""
    win_high: float | None = None
    """and that the share of wins lies, with 95 per cent (Wilson)."""

    @property
    def few(self) -> bool:
        return self.trades < FEW


class Grouping(Struct, frozen=True):
    by: str
    """"setup", "contract", "hour", "weekday", "timeframe", "book", "tag"."""
    groups: tuple[Group, ...]


class DayTold(Struct, frozen=True):
    date: str
    net_usd: Decimal
    trades: int


class JournalTold(Struct, frozen=True, tag="journal"):
    """The answer."""

    span: Span
    first: str
    """Trade dates of the range; empty where nothing was traded yet."""
    last: str
    kind: AccountKind
    currency: str
    books: tuple[str, ...]
    total: Group
    trades: tuple[ReviewedTrade, ...]
    """Newest first."""
    groupings: tuple[Grouping, ...]
    days: tuple[DayTold, ...]
    """Up to the last one of the range and before it too, oldest first; those without a trade are left out."""
    other_currency: int = 0
    """Trades of these books in other currencies, which are in none of it."""
    cut: bool = False
    """The state keeps the newest ten thousand of each book: older ones are in the journal's file only."""
