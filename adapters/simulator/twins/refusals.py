"""What a twin refuses, in a form that each wire can put into its own code and words."""

from __future__ import annotations

from enum import StrEnum

from engine.model.errors import Cause, RefusedError


class Why(StrEnum):
    """The reason, for a wire's table of codes."""

    SYMBOL = "symbol"
    """No such instrument."""
    INVALID = "invalid"
    """No quantity, a price that its type has not, below zero, or on the wrong side of the market."""
    NOTIONAL = "notional"
    """Worth less than the least that is taken."""
    FUNDS = "funds"
    """Not enough money, coins or margin."""
    REDUCE = "reduce"
    """It may only reduce a position, and would not."""
    POST_ONLY = "post_only"
    """It would have traded at once."""
    DUPLICATE = "duplicate"
    """The client id was used before."""
    NOT_FOUND = "not_found"
    """No such order."""
    OVER = "over"
    """The order is filled, canceled or expired."""
    OTHER = "other"


_CAUSES = {Why.DUPLICATE: Cause.TAKEN, Why.NOT_FOUND: Cause.GONE, Why.OVER: Cause.GONE}


class TwinRefusedError(RefusedError):
    """A request that the twin does not take."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message, cause=_CAUSES.get(why, Cause.OTHER))
        self.why = why
