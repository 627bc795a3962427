"""An order that fills in parts: what the fault of that name does at every practice venue."""

from __future__ import annotations

from adapters.simulator.fault_plan.plan import FaultOptions


class PartialFills:
    """How an order that fills in parts goes on."""

    __slots__ = ("_next", "_pause", "_qty")

    def __init__(self, options: FaultOptions) -> None:
        self._qty = options.count("qty")
        self._pause = options.nanos("pause")
        self._next = 0

    def take(self, qty: int, now: int) -> int:
        """How many of so many contracts fill at this instant, nanoseconds."""
        if now < self._next:
            return 0
        self._next = now + self._pause
        return min(qty, self._qty)
