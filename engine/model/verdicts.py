"""What the engine says to an order by hand, book by book, as data: what a ticket shows before it is sent, and
what scripts read of the answer (docs/manual-orders.md#the-answer-as-data).
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.market import Side
from engine.model.orders import AccountKind
from engine.model.refusals import Refusal


class Objection(Struct, frozen=True):
    """One reason against an order."""

    refusal: Refusal
    words: str
    """With its numbers, and the setting that says what is allowed."""
    override: str = ""
    """The word that a person may type against it; empty where nothing does."""


class RoomUnit(StrEnum):
    """What is counted in a limit."""

    MONEY = "money"
    """Of the book's currency."""
    LOTS = "lots"
    TRADES = "trades"


class LimitRoom(Struct, frozen=True):
    """What is left of a limit before an order, and after it, at its stop."""

    name: str
    left: Decimal
    after: Decimal
    """Below 0: the order does not fit."""
    unit: RoomUnit = RoomUnit.MONEY


class OrderVerdict(Struct, frozen=True, kw_only=True):
    """What one book says. Prices in price units, quantities in lots, money in the book's currency."""

    book: str
    kind: AccountKind
    done: bool
    """It was taken; of a dry run: it would be."""
    text: str
    """The same as a sentence."""
    instrument: str
    side: Side
    """Of the order: buy for one that makes it longer."""
    plan: str = ""
    """Id of the trade that it became or changed; empty where there is none."""
    qty: int = 0
    entry: Decimal | None = None
    """Where it rests, or about where it fills at market."""
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    """Nearest first."""
    risk: Decimal = Decimal(0)
    """Lost at the stop, costs and slippage included."""
    before: Decimal | None = None
    """The same before a change; None where nothing is changed."""
    reward_to_risk: float | None = None
    """At the nearest target, in price; None without a target."""
    costs: Decimal = Decimal(0)
    """Fees of both sides."""
    currency: str = "USD"
    held: int = 0
    """Signed, now."""
    held_after: int = 0
    """Signed, once the order has filled."""
    size_reason: str = ""
    """How the quantity comes about, in words with the numbers."""
    left: tuple[LimitRoom, ...] = ()
    against: tuple[Objection, ...] = ()
    """Every reason against it; none means go."""
