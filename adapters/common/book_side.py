"""One side of an order book of which changes of single levels are told."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

Levels = tuple[tuple[int, int], ...]
"""Price and size of each, the best first."""


class BookSide:
    """Prices are ticks, sizes lots. A level without a size is none."""

    __slots__ = ("_prices", "_sign", "sizes")

    def __init__(self, *, highest_first: bool) -> None:
        self._sign = 1 if highest_first else -1
        self.sizes: dict[int, int] = {}
        self._prices: list[int] = []
        """Times the sign, so that the best is the last: most changes are near it."""

    def __len__(self) -> int:
        return len(self._prices)

    def load(self, levels: Iterable[tuple[int, int]]) -> None:
        """Begin anew with these."""
        self.sizes = {price: size for price, size in levels if size > 0}
        self._prices = sorted(self._sign * price for price in self.sizes)

    def set(self, price: int, size: int) -> None:
        """From now on so much stands at a price."""
        known = price in self.sizes
        if size > 0:
            self.sizes[price] = size
            if not known:
                insort(self._prices, self._sign * price)
        elif known:
            del self.sizes[price]
            del self._prices[bisect_left(self._prices, self._sign * price)]

    def best(self) -> int | None:
        """None where the side is empty."""
        return self._sign * self._prices[-1] if self._prices else None

    def levels(self, most: int) -> Levels:
        sizes, sign = self.sizes, self._sign
        return tuple((sign * one, sizes[sign * one]) for one in self._prices[: -most - 1 : -1])

    def none_better(self, price: int) -> None:
        """Nothing stands at a better price than this."""
        while self._prices and self._prices[-1] > self._sign * price:
            del self.sizes[self._sign * self._prices.pop()]

    def keep(self, most: int) -> None:
        """Let the levels go that are farther away than so many."""
        for one in self._prices[: max(0, len(self._prices) - most)]:
            del self.sizes[self._sign * one]
        del self._prices[: max(0, len(self._prices) - most)]
