"""Orders as the venue keeps them, what it is asked, and how it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct

from engine.model.errors import Cause, RefusedError
from engine.model.market import Side
from engine.model.orders import Fill, OrderSpec, OrderType, Specified, VenueOrder, VenueStatus

VenueEvent = VenueOrder | Fill


class GoneError(RefusedError):
    """There is nothing (any more) to change or cancel."""

    def __init__(self, message: str) -> None:
        super().__init__(message, cause=Cause.GONE)


class OrderNotFoundError(GoneError):
    """No order has this id."""


class OrderClosedError(GoneError):
    """The order is filled, canceled or expired: nothing about it can change."""


class ChangeRejectedError(RefusedError):
    """The order lives, but not like this."""


class OrderInvalidError(RefusedError):
    """An order that makes no sense: no quantity, or without the price that its type needs."""


class BracketsRefusedError(RefusedError):
    """The account is in Position Brackets mode: it takes no order with a bracket of its own."""

    def __init__(self) -> None:
        super().__init__(
            "Brackets cannot be used with Position Brackets. You must enable Auto OCO Brackets.",
            cause=Cause.NO_BRACKETS,
        )


class OrderRequest(Specified, Struct, frozen=True):
    """What `PlaceOrder` says to a venue, for callers without a book; `client_id` may be absent."""

    client_id: str | None
    instrument: str
    spec: OrderSpec


class Placed(NamedTuple):
    order: VenueOrder
    """The entry, as accepted."""
    events: Sequence[VenueEvent]


class BookedOrder(Struct, eq=False):
    """An order with what matching needs to know of it. Prices in ticks, `queue` in contracts."""

    id: int
    client_id: str | None
    instrument: str
    side: Side
    type: OrderType
    qty: int
    status: VenueStatus
    ts: int
    limit: int | None = None
    stop: int | None = None
    filled: int = 0
    parent: int | None = None
    legs: tuple[int, ...] = ()
    """Ids of the bracket legs, in the order in which they go to work."""
    offset: int | None = None
    """Of a leg: signed ticks from the entry's fill price."""
    queue: int = 0
    """Contracts that must print at the limit before this order's turn."""
    fill_price: int | None = None
    """Price of the latest fill, ticks."""
    over: bool = False
    """Its bracket is finished: it trades no more, though its cancel is not reported yet."""

    @property
    def rest(self) -> int:
        return self.qty - self.filled

    def snapshot(self) -> VenueOrder:
        return VenueOrder(
            str(self.id),
            self.client_id,
            self.instrument,
            self.side,
            self.type,
            self.qty,
            self.status,
            self.limit,
            self.stop,
            self.filled,
            None if self.parent is None else str(self.parent),
            self.ts,
        )


class Due(IntEnum):
    ARRIVE = 0
    """An order reaches the market."""
    LEGS = 1
    """The legs of an entry go to work, or grow with its fills."""
    ALIGN = 2
    """What is left of a bracket is reported after one of its legs filled."""


class VenueState(Struct):
    """All that a venue must remember to go on: live orders with their brackets, timers, counters."""

    now: int
    next_order_id: int
    next_trade_id: int
    orders: list[BookedOrder]
    resting: list[int]
    """Ids of the orders in the market, oldest first."""
    timers: list[tuple[int, int, int, int]]
    """(due, sequence, kind, order id)."""
