"""Whether orders are taken just now, beyond what an account and an order say for themselves."""

from __future__ import annotations

from collections.abc import Callable

from adapters.simulator.exchange.hours import orders_accepted
from adapters.simulator.wire.requests import PlaceOrder
from engine.model.orders import VenueOrder


class Floor:
    """What all accounts of the venue share: hours, halts, and what stands in the way of an order."""

    def __init__(
        self,
        objection: Callable[[str, PlaceOrder], str | None],
        portion: Callable[[VenueOrder, int], int],
    ) -> None:
        self.halted_until = 0
        """No order is taken before this instant, nanoseconds UTC; cancels pass."""
        self.objection = objection
        """Why an order of a symbol is rejected though nothing is wrong with it, or None."""
        self.portion = portion
        """How many of the contracts that an order could trade just now it does trade."""

    def open(self, now: int) -> bool:
        """Whether an order may be placed at this instant."""
        return now >= self.halted_until and orders_accepted(now)
