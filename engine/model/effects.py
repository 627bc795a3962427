"""What the core wants done in the world. An effect runs only when its journal records are durable."""

from __future__ import annotations

from msgspec import Struct

from engine.model.market import Side
from engine.model.orders import OrderType


class PlaceOrder(Struct, frozen=True):
    """Send one order. Bracket offsets are signed ticks from the fill price, as the venue wants them."""

    book: str
    client_id: str
    instrument: str
    side: Side
    type: OrderType
    qty: int
    limit: int | None = None
    stop: int | None = None
    stop_offset: int | None = None
    target_offset: int | None = None
    reduces: bool = False
    """Shrinks a position: passes even when the journal is down."""


class ModifyOrder(Struct, frozen=True):
    """Change price or quantity of a working order; None leaves a field as it is."""

    book: str
    client_id: str
    venue_id: str
    instrument: str
    qty: int | None = None
    limit: int | None = None
    stop: int | None = None


class CancelOrder(Struct, frozen=True):
    book: str
    client_id: str
    venue_id: str
    instrument: str


class ClosePosition(Struct, frozen=True):
    """Close the whole net position of one instrument at market, by the venue's own call."""

    book: str
    instrument: str


class TakeSnapshot(Struct, frozen=True):
    """Ask the venue for the truth of a book; answers with SnapshotTaken or SnapshotFailed."""

    book: str
    since: int


AnyEffect = PlaceOrder | ModifyOrder | CancelOrder | ClosePosition | TakeSnapshot
