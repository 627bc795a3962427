"""Interactive Brokers' message codes: what each means for us."""

from __future__ import annotations

from engine.model.errors import Cause, RefusedError, RetryableError
from engine.model.orders import VenueStatus

LOST, RESTORED_EMPTY, RESTORED, PORT_RESET, BROKEN = 1100, 1101, 1102, 1300, 2110
"""Of the way from TWS to its servers; the socket to TWS stays as it is."""
FARM_BROKEN, FARM_OK = 2103, 2104
ID_IN_USE, COMPETING = 326, 10197
NOT_PERMITTED = {
    354: "there is no subscription for its prices",
    420: "there is no subscription for its prices",
    10089: "there is no subscription for its prices",
    10090: "there is no subscription for all of its prices",
    10168: "there is no subscription for its prices",
    COMPETING: "another session of this login takes the prices",
}
"""Nothing is priced until a person changes something."""

WARNINGS = frozenset({105, 165, 321, 329, 399, 404, 434, 492, 10167})
"""Beside an order that lives on. 110 is one for a change, and a refusal of a new order."""
GONE = frozenset({135, 161, 10147, 10148})
"""What was to be changed or cancelled is not there, or is over."""
ENDS = {201: VenueStatus.REJECTED, 202: VenueStatus.CANCELED}
"""Codes that say by themselves how an order ended. Of any other the library only guesses."""
_ID_TAKEN = 103
_TOO_MANY = 100
"""More messages in a second than the gateway takes: what came was not done."""
PACING, NO_DATA = 162, "HMDS query returned no data"


def is_notice(code: int) -> bool:
    """Said to everybody, about nothing that was asked."""
    return 2100 <= code < 2200 or code in (LOST, RESTORED_EMPTY, RESTORED, PORT_RESET)


def refusal(code: int, text: str) -> RefusedError | RetryableError:
    """The venue said no to an order, a change or a cancel; or that it does nothing just now."""
    if code == _TOO_MANY:
        return RetryableError(f"Interactive Brokers wants fewer messages: {text} ({code})")
    cause = Cause.OTHER
    if code in GONE:
        cause = Cause.GONE
    elif code == _ID_TAKEN:
        cause = Cause.TAKEN
    elif "closed" in text.lower():
        cause = Cause.CLOSED
    return RefusedError(f"Interactive Brokers refuses: {text} ({code})", code, cause)
