"""What the practice venue remembers of an account: orders, half-turns, positions. Prices in ticks."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from msgspec import Struct


class AccountRow(Struct, frozen=True):
    id: int
    name: str
    balance_usd: Decimal
    can_trade: bool


class OrderRow(Struct):
    id: int
    contract_id: str
    symbol: str
    """The venue symbol: the contract's month is part of it after a roll."""
    created: int
    updated: int
    """Last change before a fill, nanoseconds UTC: a fill does not move it
    (docs/protocols/projectx.md#order-rows).
    """
    status: int
    type: int
    side: int
    size: int
    limit: int | None = None
    stop: int | None = None
    filled: int = 0
    fill_value: int = 0
    """Sum of price x quantity over the fills, ticks."""
    tag: str | None = None
    parent: int | None = None
    linked: int | None = None
    offset: int | None = None
    """Of a bracket leg: the signed ticks it was asked with. Of a trailing stop: how far it follows, ticks."""

    @property
    def fill_price(self) -> Fraction | None:
        """Average price of the fills, ticks."""
        return Fraction(self.fill_value, self.filled) if self.filled else None


class TradeRow(Struct, frozen=True):
    """A half-turn: one execution."""

    id: int
    order_id: int
    contract_id: str
    symbol: str
    ts: int
    price: int
    side: int
    size: int
    pnl: Decimal | None
    """Gross USD of what it closed; None for an opening half-turn."""
    fees: Decimal
    commissions: Decimal

    @property
    def balance_change(self) -> Decimal:
        return (self.pnl or Decimal(0)) - self.fees - self.commissions


class PositionRow(Struct):
    """Net position in one contract since it was last flat."""

    id: int
    contract_id: str
    symbol: str
    created: int
    qty: int
    """Signed."""
    entry: str
    """Average entry, ticks, as an exact fraction "a/b"; reductions leave it."""
    realized: str = "0"
    """Ticks x contracts won since flat, exact likewise."""
    booked: Decimal = Decimal(0)
    """USD of it that rows of half-turns show, whole cents."""

    @property
    def average(self) -> Fraction:
        return Fraction(self.entry)
