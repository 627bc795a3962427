"""What people see of a book's loss limits and of its equity of the day."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class Band(StrEnum):
    """How much of a limit is used up (docs/semantics.md#bands)."""

    CLEAR = "clear"
    WARN = "warn"
    REDUCE = "reduce"
    """Entries are refused."""
    ACT = "act"
    """Flat and locked."""


class LimitView(Struct, frozen=True):
    """One limit of a book, and the distance to it."""

    name: str
    """"daily loss", "max loss", "trades", "losses in a row", "size"."""
    used: Decimal
    limit: Decimal
    unit: str
    """The book's currency ("USD"), "trades", "losses", "minis", "%"."""
    band: Band

    @property
    def in_money(self) -> bool:
        """Its unit is a currency: those alone are written in capitals."""
        return self.unit.isupper()

    @property
    def left(self) -> Decimal:
        """Headroom in the limit's unit, never negative."""
        return max(self.limit - self.used, Decimal(0))


class EquityPoint(Struct, frozen=True, array_like=True):
    """The day's total P&L at a time."""

    ts: int
    """Nanoseconds UTC."""
    usd: Decimal


class EquityView(Struct, frozen=True):
    """The day's total P&L over time, USD: realized and open, what is open at what it could be closed for.

    It begins at 0 with the day; where it stands now is `BookView.day_usd`.
    """

    points: tuple[EquityPoint, ...] = ()
    """Oldest first, at most one a minute and at most 180: the more, the farther apart."""
    high_usd: Decimal = Decimal(0)
    """Highest of every event, 0 or above."""
    low_usd: Decimal = Decimal(0)
