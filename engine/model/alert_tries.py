"""A text as an alert room would have it read now: what people try, and nothing comes of.

Prices are Decimals in price units.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from engine.model.alerts import Grade, Reason, Verdict
from engine.model.market import Side
from engine.model.orders import AccountKind

LONGEST_TRY = 8_000
"""Characters of a text; a room reads fewer."""


class TryAlert(Struct, frozen=True, tag="try_alert"):
    """Read a text as if it were posted in a room this moment. Nothing is placed, kept or told."""

    text: Annotated[str, Meta(max_length=LONGEST_TRY)]
    room: Annotated[str, Meta(max_length=100)] = ""
    """By its name; empty for the first one."""


class BookTried(Struct, frozen=True):
    """What the gate of one book says of it."""

    book: str
    kind: AccountKind
    qty: int
    """Lots that would be entered; with something against it those that the size alone comes to."""
    size_reason: str
    against: tuple[str, ...] = ()
    """In words with the numbers and the setting's name; empty where it would be entered."""


class AlertTried(Struct, frozen=True, tag="alert_tried"):
    """The answer."""

    room: str
    rooms: tuple[str, ...]
    """All that are configured."""
    verdict: Verdict
    reason: Reason | None = None
    text: str = ""
    """The reason as a sentence, with what there is to say about it."""
    instrument: str = ""
    side: Side | None = None
    entry: Decimal | None = None
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    grade: Grade | None = None
    market: Decimal | None = None
    """Where it would be entered now; None where the market's price forbids it."""
    books: tuple[BookTried, ...] = ()
