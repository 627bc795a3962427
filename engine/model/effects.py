"""What the core wants done in the world. An effect runs only when its journal records are durable."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from engine.model.market import Side, Timeframe
from engine.model.orders import OrderSpec, Specified


class Request(StrEnum):
    """What is asked of a venue and answered by `Replied`."""

    PLACE = "place"
    MODIFY = "modify"
    CANCEL = "cancel"
    CLOSE = "close"


class PlaceOrder(Specified, Struct, frozen=True):
    """Send one order."""

    request: ClassVar = Request.PLACE
    book: str
    client_id: str
    instrument: str
    spec: OrderSpec
    beside: str = ""
    """Of an exit: client id of the other one of its leg, where that lives. A venue that sets aside the coins
    of a sale takes the two only as a pair.
    """


class ModifyOrder(Struct, frozen=True):
    """Change price or quantity of a working order; None leaves a field as it is."""

    request: ClassVar = Request.MODIFY
    book: str
    client_id: str
    venue_id: str
    instrument: str
    qty: int | None = None
    limit: int | None = None
    stop: int | None = None


class CancelOrder(Struct, frozen=True):
    request: ClassVar = Request.CANCEL
    book: str
    client_id: str
    venue_id: str
    instrument: str


class ClosePosition(Struct, frozen=True):
    """Close the whole net position of one instrument at market, by the venue's own call."""

    request: ClassVar = Request.CLOSE
    book: str
    instrument: str
    client_id: str = ""
    """Of the order that sells coins: the venue has no call for that, and knows only balances."""
    qty: int = 0
    """Lots of those to sell, and no more; negative to buy back; 0 where the venue knows what is open."""


class TakeSnapshot(Struct, frozen=True):
    """Ask the venue for the truth of a book; answers with SnapshotTaken or SnapshotFailed."""

    book: str
    since: int
    urgent: bool = False
    """A position is being closed, or nothing may protect it: it goes before other questions."""


class AskPrediction(Struct, frozen=True):
    """Ask the model about a trade; answers with Predicted, or never. It changes nothing in the world, so that
    it waits for no record, and nothing hangs on its answer.
    """

    request: str
    """Unique for ever."""
    hash: str
    """Of the model that is meant."""
    instrument: str
    timeframe: Timeframe
    side: Side
    features: tuple[float, ...]
    """In the order of their names; NaN where one is not known."""
    past: tuple[tuple[float, ...], ...] = ()
    """The same of closes before it, the oldest first, for a model that looks at more than one."""


AnyRequest = PlaceOrder | ModifyOrder | CancelOrder | ClosePosition
AnyEffect = AnyRequest | TakeSnapshot
