"""A book's total P&L over its days, as people look at it: asked for like a chart, never in the View."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from engine.model.view_limits import EquityPoint


class EquityDay(Struct, frozen=True):
    """One trade date. Amounts are net, in the book's currency, what is open at what it could be closed for;
    the day begins at 0.
    """

    trade_date: str
    """ISO."""
    ends_ts: int
    """Nanoseconds UTC; of the running one now."""
    net_usd: Decimal
    """What it came to, or has come to so far."""
    high_usd: Decimal
    """0 or above, as at every event."""
    low_usd: Decimal
    drawdown_usd: Decimal
    """Deepest fall of its total from its high."""
    points: tuple[EquityPoint, ...] = ()
    """By time, oldest first; of days long over none."""


class EquityHistory(Struct, frozen=True):
    """All days that are kept of a book, oldest first; the running one comes last."""

    book: str
    days: tuple[EquityDay, ...]
