"""What the venue refuses, and how it says so."""

from __future__ import annotations

from engine.model.errors import Cause, RefusedError
from engine.model.orders import OrderSpec, OrderType, VenueStatus
from engine.venue.orders import Change, OrderState


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


def check_place(spec: OrderSpec, *, brackets: bool) -> None:
    """Raises OrderInvalidError, BracketsRefusedError. `brackets`: whether the account takes native ones."""
    if spec.qty <= 0:
        raise OrderInvalidError(f"quantity must be positive, not {spec.qty}")
    if (spec.limit is not None) != (spec.type is OrderType.LIMIT):
        raise OrderInvalidError("a limit price belongs to limit orders, and to them only")
    if (spec.stop is not None) != (spec.type is OrderType.STOP):
        raise OrderInvalidError("a stop price belongs to stop orders, and to them only")
    if not brackets and (spec.stop_offset is not None or spec.target_offset is not None):
        raise BracketsRefusedError


def check_live(order: OrderState | None, venue_id: str) -> OrderState:
    """The order that has this id and lives. Raises OrderNotFoundError, OrderClosedError."""
    if order is None:
        raise OrderNotFoundError(f"order {venue_id} does not exist")
    if not order.status.live:
        raise OrderClosedError(f"order {venue_id} is {order.status}")
    return order


def check_change(order: OrderState, change: Change, tradable: int | None) -> None:
    """Raises OrderClosedError, ChangeRejectedError. `tradable` is what the bracket of a leg has open."""
    if order.over or order.fires is not None:
        raise OrderClosedError(f"order {order.id} is triggered, or belongs to a finished bracket")
    if order.status is VenueStatus.SUSPENDED:
        raise ChangeRejectedError(f"order {order.id} waits for its entry")
    if change.limit is not None and order.type is not OrderType.LIMIT:
        raise ChangeRejectedError(f"a {order.type} order has no limit price")
    if change.stop is not None and order.type is not OrderType.STOP:
        raise ChangeRejectedError(f"a {order.type} order has no stop price")
    if change.qty is None:
        return
    if change.qty <= order.filled:
        raise ChangeRejectedError(f"{order.filled} of order {order.id} are filled already")
    if tradable is not None and change.qty - order.filled > tradable:
        raise ChangeRejectedError(f"order {order.id} may not close more than its entry opened")
