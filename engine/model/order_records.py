"""Records of orders and their fills, from the intent to the last word of the venue."""

from __future__ import annotations

from enum import StrEnum

from engine.model.orders import Fill, OrderSpec, Slot, Specified
from engine.model.run_records import Record


class OrderEvent(StrEnum):
    """What can happen to an order; with its state it decides the next one (engine.state.order_table)."""

    SENT = "sent"
    ACCEPTED = "accepted"
    FILLED = "filled"
    CANCEL_REQUESTED = "cancel_requested"
    MODIFY_REQUESTED = "modify_requested"
    MODIFIED = "modified"
    REQUEST_REFUSED = "request_refused"
    """The venue declined a cancel or modify: the order stands as before."""
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    TIMED_OUT = "timed_out"
    NOT_FOUND = "not_found"
    DENIED = "denied"


class OrderIntended(Specified, Record, frozen=True, kw_only=True, tag="order_intended"):
    """Comes before the order is sent: no order without it."""

    book: str
    client_id: str
    plan_id: str
    leg: int
    slot: Slot
    instrument: str
    spec: OrderSpec


class OrderAdopted(Specified, Record, frozen=True, kw_only=True, tag="order_adopted"):
    """An order that the venue made: a bracket's leg, a platform close, somebody's own order."""

    book: str
    client_id: str
    venue_id: str
    instrument: str
    spec: OrderSpec
    plan_id: str | None
    leg: int
    slot: Slot | None
    suspended: bool = False


class OrderMoved(Record, frozen=True, kw_only=True, tag="order_moved"):
    """Something happened to an order. Prices and quantity are given where they changed."""

    book: str
    client_id: str
    event: OrderEvent
    venue_id: str | None = None
    qty: int | None = None
    limit: int | None = None
    stop: int | None = None
    suspended: bool | None = None
    ts_venue: int = 0
    reason: str = ""


class FillApplied(Record, frozen=True, kw_only=True, tag="fill_applied"):
    book: str
    client_id: str
    fill: Fill
    inferred: bool = False
    """Concluded from the venue calling the order filled; its own id is a hash of what it says."""


class FillSettled(Record, frozen=True, kw_only=True, tag="fill_settled"):
    """The venue told a fill late, and an inferred one has stood for it already: it is not counted again, but
    its price and its costs take the place of the assumed ones.
    """

    book: str
    trade_id: str
    client_id: str = ""
    fill: Fill | None = None
