"""Numbers on the wire: order fields, and what a failure means, which differs per endpoint.

See docs/protocols/projectx.md#order-fields and docs/protocols/projectx.md#failure-codes.
"""

from __future__ import annotations

from enum import IntEnum

from engine.model.orders import OrderType, VenueStatus


class TypeCode(IntEnum):
    LIMIT = 1
    MARKET = 2
    STOP_LIMIT = 3
    STOP = 4
    TRAILING_STOP = 5
    JOIN_BID = 6
    JOIN_ASK = 7


class SideCode(IntEnum):
    BUY = 0
    SELL = 1


class StatusCode(IntEnum):
    OPEN = 1
    FILLED = 2
    CANCELED = 3
    EXPIRED = 4
    REJECTED = 5
    PENDING = 6
    PENDING_CANCEL = 7
    SUSPENDED = 8


STATUS = {
    VenueStatus.PENDING: StatusCode.PENDING,
    VenueStatus.WORKING: StatusCode.OPEN,
    VenueStatus.SUSPENDED: StatusCode.SUSPENDED,
    VenueStatus.FILLED: StatusCode.FILLED,
    VenueStatus.CANCELED: StatusCode.CANCELED,
    VenueStatus.EXPIRED: StatusCode.EXPIRED,
    VenueStatus.REJECTED: StatusCode.REJECTED,
}
TYPE = {
    OrderType.MARKET: TypeCode.MARKET,
    OrderType.LIMIT: TypeCode.LIMIT,
    OrderType.STOP: TypeCode.STOP,
}
PLACEABLE: dict[int, OrderType] = {
    **{code: kind for kind, code in TYPE.items()},
    TypeCode.TRAILING_STOP: OrderType.STOP,
    TypeCode.JOIN_BID: OrderType.LIMIT,
    TypeCode.JOIN_ASK: OrderType.LIMIT,
}
"""What the venue makes of a type: a trailing stop is a stop that it moves, an order that joins a limit."""


class LoginCode(IntEnum):
    INVALID_CREDENTIALS = 3


class ValidateCode(IntEnum):
    INVALID_SESSION = 1


class AccountCode(IntEnum):
    """Order, position and trade queries."""

    ACCOUNT_NOT_FOUND = 1


class OrderByIdCode(IntEnum):
    ORDER_NOT_FOUND = 1


class ContractCode(IntEnum):
    CONTRACT_NOT_FOUND = 1


class BarsCode(IntEnum):
    CONTRACT_NOT_FOUND = 1
    UNIT_INVALID = 2
    UNIT_NUMBER_INVALID = 3
    LIMIT_INVALID = 4


class PlaceCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    ORDER_REJECTED = 2
    ACCOUNT_VIOLATION = 4
    CONTRACT_NOT_FOUND = 8
    CONTRACT_NOT_ACTIVE = 9


class ChangeCode(IntEnum):
    """Modify and cancel."""

    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    ORDER_NOT_FOUND = 2
    REJECTED = 3


class CloseCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    POSITION_NOT_FOUND = 2
    CONTRACT_NOT_FOUND = 3
    CONTRACT_NOT_ACTIVE = 4
    ORDER_REJECTED = 5
    ORDER_PENDING = 6


class PartialCloseCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    POSITION_NOT_FOUND = 2
    CONTRACT_NOT_FOUND = 3
    CONTRACT_NOT_ACTIVE = 4
    INVALID_CLOSE_SIZE = 5
    ORDER_REJECTED = 6
    ORDER_PENDING = 7
