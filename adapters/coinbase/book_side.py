"""One side of an order book of which changes of single levels are told: only its best price is asked for."""

from __future__ import annotations

import heapq

_SPARE = 10_000
"""Prices on the heap beyond those that have a size, before it is made anew."""


class BookSide:
    """Prices are ticks. A level without a size is none."""

    __slots__ = ("_heap", "_sign", "_sizes")

    def __init__(self, *, highest_first: bool) -> None:
        self._sign = -1 if highest_first else 1
        self._sizes: set[int] = set()
        self._heap: list[int] = []

    def __len__(self) -> int:
        return len(self._sizes)

    def set(self, price: int, *, there: bool) -> None:
        if not there:
            self._sizes.discard(price)
        elif price not in self._sizes:
            self._sizes.add(price)
            heapq.heappush(self._heap, self._sign * price)
            if len(self._heap) > 2 * len(self._sizes) + _SPARE:
                self._heap = [self._sign * one for one in self._sizes]
                heapq.heapify(self._heap)

    def best(self) -> int | None:
        """None where the side is empty."""
        heap, sizes, sign = self._heap, self._sizes, self._sign
        while heap and sign * heap[0] not in sizes:
            heapq.heappop(heap)
        return sign * heap[0] if heap else None
