"""What the venue does by itself, and when."""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable
from enum import IntEnum

Timer = tuple[int, int, int, int]
"""(due in nanoseconds, sequence, kind, order id)."""

NEVER = 1 << 63


class Due(IntEnum):
    ARRIVE = 0
    """An order reaches the market."""
    LEGS = 1
    """The legs of an entry go to work, or grow with its fills."""
    ALIGN = 2
    """What is left of a bracket is reported after one of its legs filled."""
    FIRE = 3
    """A stop that was triggered is in the market."""
    CHANGE = 4
    """The oldest change that was asked of an order takes effect."""
    CANCEL = 5
    """A cancel takes effect."""
    BAR_OVER = 6
    """The bar that went through a target is over."""


class Timers:
    """Timers by the time they are due at; those of one instant in the order in which they were set."""

    def __init__(self) -> None:
        self.earliest = NEVER
        """When the next one is due, nanoseconds; `NEVER` where none is set."""
        self._heap: list[Timer] = []
        self._sequence = 0

    def set(self, due: int, kind: Due, order_id: int) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (due, self._sequence, int(kind), order_id))
        self.earliest = self._heap[0][0]

    def pop(self) -> Timer:
        """Take the earliest out. Raises IndexError where none is set."""
        timer = heapq.heappop(self._heap)
        self.earliest = self._heap[0][0] if self._heap else NEVER
        return timer

    def of(self, orders: Container[int]) -> list[Timer]:
        """Those of some orders, in their order."""
        return sorted(timer for timer in self._heap if timer[3] in orders)

    def replace(self, timers: Iterable[Timer]) -> None:
        """Have these and no others; later ones come after them at one instant."""
        self._heap = sorted(timers)
        self._sequence = max([self._sequence, *(timer[1] for timer in self._heap)])
        self.earliest = self._heap[0][0] if self._heap else NEVER
