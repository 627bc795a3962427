"""What people see of signals: each with its reasons and what came of it, and what was learned of patterns."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.decision import Opinion
from engine.model.market import Side
from engine.model.orders import OrderStatus, OrderType, Slot
from engine.model.scores import PatternSeen, RequirementCheck, ScorePart


class SignalFate(StrEnum):
    DECLINED = "declined"
    """The strategy itself found a requirement that was not met."""
    REFUSED = "refused"
    """The gate of a book."""
    ENTERED = "entered"


class OrderFact(Struct, frozen=True):
    """An order of the trade that a signal became. Times are nanoseconds UTC."""

    ts: int
    changed_ts: int
    slot: Slot | None
    side: Side
    type: OrderType
    qty: int
    filled_qty: int
    price: Decimal | None
    status: OrderStatus
    reason: str = ""


class SignalView(Struct, frozen=True):
    """One signal: what was seen, what was asked of it, what the gate said, which orders came of it."""

    ts: int
    fate: SignalFate
    instrument: str
    side: Side
    score_tenths: int
    words: tuple[str, ...]
    """Why: what was not met, what the gate has against it, or what spoke for it."""
    strategy: str = ""
    bot: str = ""
    book: str = ""
    """Empty where no book was asked."""
    plan: str = ""
    reference: Decimal | None = None
    """About where it would be, or was, entered; None where that was never worked out."""
    size: str = ""
    """How many, and why so many."""
    parts: tuple[ScorePart, ...] = ()
    checks: tuple[RequirementCheck, ...] = ()
    pattern: PatternSeen | None = None
    pattern_price: str = ""
    """As people write it."""
    orders: tuple[OrderFact, ...] = ()
    opinion: Opinion | None = None
    """What rules, model and mood said together; None where nobody was asked."""


class PatternView(Struct, frozen=True):
    """What is believed of one pattern x timeframe x contract x regime (docs/learning.md#the-posterior)."""

    kind: str
    timeframe: str
    instrument: str
    regime: str
    trades: int
    wins: int
    win_rate: float
    """0..1, shrunk."""
    expectancy_r: float
    """Shrunk."""
    expectancy_sd: float
    counts: bool
    """There are enough outcomes for it to move the score."""
