"""Business error codes of the gateway. The same number means different things at different endpoints."""

from __future__ import annotations

from enum import IntEnum

from engine.model.errors import Cause


class Generic(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1


class Login(IntEnum):
    SUCCESS = 0
    USER_NOT_FOUND = 1
    PASSWORD_VERIFICATION_FAILED = 2
    INVALID_CREDENTIALS = 3
    APP_NOT_FOUND = 4
    APP_VERIFICATION_FAILED = 5
    INVALID_DEVICE = 6
    AGREEMENTS_NOT_SIGNED = 7
    UNKNOWN_ERROR = 8
    API_SUBSCRIPTION_NOT_FOUND = 9
    API_KEY_AUTHENTICATION_DISABLED = 10


class Validate(IntEnum):
    SUCCESS = 0
    INVALID_SESSION = 1
    SESSION_NOT_FOUND = 2
    EXPIRED_TOKEN = 3
    UNKNOWN_ERROR = 4


class Logout(IntEnum):
    SUCCESS = 0
    INVALID_SESSION = 1
    UNKNOWN_ERROR = 2


class Contract(IntEnum):
    SUCCESS = 0
    CONTRACT_NOT_FOUND = 1


class Bars(IntEnum):
    SUCCESS = 0
    CONTRACT_NOT_FOUND = 1
    UNIT_INVALID = 2
    UNIT_NUMBER_INVALID = 3
    LIMIT_INVALID = 4


class PlaceErrorCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    ORDER_REJECTED = 2
    INSUFFICIENT_FUNDS = 3
    ACCOUNT_VIOLATION = 4
    OUTSIDE_TRADING_HOURS = 5
    ORDER_PENDING = 6
    UNKNOWN_ERROR = 7
    CONTRACT_NOT_FOUND = 8
    CONTRACT_NOT_ACTIVE = 9
    ACCOUNT_REJECTED = 10


class ModifyErrorCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    ORDER_NOT_FOUND = 2
    REJECTED = 3
    PENDING = 4
    UNKNOWN_ERROR = 5
    ACCOUNT_REJECTED = 6
    CONTRACT_NOT_FOUND = 7


class CancelErrorCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    ORDER_NOT_FOUND = 2
    REJECTED = 3
    PENDING = 4
    UNKNOWN_ERROR = 5
    ACCOUNT_REJECTED = 6


class Close(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    POSITION_NOT_FOUND = 2
    CONTRACT_NOT_FOUND = 3
    CONTRACT_NOT_ACTIVE = 4
    ORDER_REJECTED = 5
    ORDER_PENDING = 6
    UNKNOWN_ERROR = 7
    ACCOUNT_REJECTED = 8


_BY_TEXT = (
    ("position brackets", Cause.NO_BRACKETS),
    ("custom tag", Cause.TAKEN),
    ("active trading status", Cause.CLOSED),
    ("outside of trading hours", Cause.CLOSED),
)
"""A place is refused for all of these with one code, and only its text tells them apart
(docs/protocols/projectx.md#refusals-of-a-place)."""

_BY_CODE: dict[tuple[type[IntEnum], int], Cause] = {
    (PlaceErrorCode, PlaceErrorCode.OUTSIDE_TRADING_HOURS): Cause.CLOSED,
    (ModifyErrorCode, ModifyErrorCode.ORDER_NOT_FOUND): Cause.GONE,
    (CancelErrorCode, CancelErrorCode.ORDER_NOT_FOUND): Cause.GONE,
    (Close, Close.POSITION_NOT_FOUND): Cause.GONE,
}


def cause(codes: type[IntEnum], number: int, text: str) -> Cause:
    """What a refusal means for what happens next, by the endpoint's code and else by the venue's words."""
    known = _BY_CODE.get((codes, number))
    if known is not None:
        return known
    said = text.lower()
    return next((cause for words, cause in _BY_TEXT if words in said), Cause.OTHER)


def words(codes: type[IntEnum], number: int) -> str:
    """The code in words: "order rejected", or "code 42" for a number that is not in the table."""
    try:
        return codes(number).name.replace("_", " ").lower()
    except ValueError:
        return f"code {number}"
