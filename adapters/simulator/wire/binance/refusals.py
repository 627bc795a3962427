"""How Binance says no: its codes and its very words (docs/protocols/binance_spot.md#refusals)."""

from __future__ import annotations

from adapters.simulator.twins.refusals import TwinRefusedError, Why
from adapters.simulator.twins.trouble import Trouble, TroubleKind

FUNDS = "Account has insufficient balance for requested action."
CLOSED = "Market is closed."
TRIGGERS = "Order would trigger immediately."
RELATION = "The relationship of the prices for the orders is not correct."
UNKNOWN = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."


class SpotFault(Exception):
    """A request that is answered with a code. `more` goes into the body besides, `seconds` into its
    Retry-After.
    """

    def __init__(
        self,
        code: int,
        message: str,
        status: int = 400,
        more: dict[str, object] | None = None,
        seconds: int = 0,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.more = more or {}
        self.seconds = seconds

    def body(self) -> dict[str, object]:
        return {"code": self.code, "msg": self.message, **self.more}


def refused(error: TwinRefusedError, *, cancels: bool = False) -> SpotFault:
    """What the twin refuses, in Binance's words."""
    match error.why:
        case Why.SYMBOL:
            return SpotFault(-1121, "Invalid symbol.")
        case Why.NOTIONAL:
            return SpotFault(-1013, "Filter failure: NOTIONAL")
        case Why.FUNDS:
            return SpotFault(-2010, FUNDS)
        case Why.POST_ONLY:
            return SpotFault(-2010, "Order would immediately match and take.")
        case Why.DUPLICATE:
            return SpotFault(-2010, "Duplicate order sent.")
        case Why.NOT_FOUND | Why.OVER if cancels:
            return SpotFault(-2011, "Unknown order sent.")
        case Why.NOT_FOUND | Why.OVER:
            return SpotFault(-2013, "Order does not exist.")
        case Why.INVALID if "through this stop" in str(error):
            return SpotFault(-2010, TRIGGERS)
    return SpotFault(-1013, str(error))


def of_trouble(trouble: Trouble) -> SpotFault:
    """What a fault does to a call, in Binance's words."""
    match trouble.kind:
        case TroubleKind.LIMITED:
            words = "Too many requests; please use the websocket for live updates."
            return SpotFault(-1003, words, trouble.status, seconds=trouble.seconds)
        case TroubleKind.MAINTENANCE:
            return SpotFault(-1016, "This service is no longer available.", 503)
        case TroubleKind.ERROR:
            return SpotFault(-1007, UNKNOWN, trouble.status)
        case _:
            return SpotFault(-2010, trouble.text or "This action is disabled on this account.")
