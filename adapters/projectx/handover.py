"""From one market connection to the next without losing a print or telling one twice.

Prints have no ids, and two connections do not deliver at the same instant. While both are open, what each
has brought is compared by content: equal prints are the same print as often as both connections had it.
"""

from __future__ import annotations

from collections import Counter, deque

from adapters.projectx.wire import PrintRow

Key = tuple[str, str, bytes, int, int | None]
"""Contract, time, price, size and aggressor, as they came."""

MOST_HELD = 50_000
"""Prints of the second connection that are kept until it counts; the oldest go first."""


def key_of(contract: str, row: PrintRow) -> Key:
    return contract, row.timestamp, bytes(row.price), row.volume, row.type


class Handover:
    """What the connection that counts has told, less what its successor has brought, while both are open."""

    def __init__(self) -> None:
        self._ahead: Counter[Key] = Counter()
        """How often the old connection has told a print more than the new one brought it."""
        self._held: deque[tuple[str, PrintRow]] = deque(maxlen=MOST_HELD)

    def told(self, contract: str, row: PrintRow) -> None:
        """The old connection delivered it."""
        self._ahead[key_of(contract, row)] += 1

    def brought(self, contract: str, row: PrintRow) -> None:
        """The new connection delivered it, before it counts."""
        self._ahead[key_of(contract, row)] -= 1
        self._held.append((contract, row))

    def missed(self) -> list[tuple[str, PrintRow]]:
        """What only the new connection has brought, oldest first. Ends the overlap."""
        found: list[tuple[str, PrintRow]] = []
        for contract, row in reversed(self._held):
            key = key_of(contract, row)
            if self._ahead[key] < 0:
                self._ahead[key] += 1
                found.append((contract, row))
        self._held.clear()
        self._ahead = +self._ahead
        found.reverse()
        return found

    @property
    def settled(self) -> bool:
        """The new connection has caught up with what the old one told."""
        return not self._ahead

    def repeats(self, contract: str, row: PrintRow) -> bool:
        """After the overlap: whether the old connection has told this one already."""
        key = key_of(contract, row)
        left = self._ahead.get(key, 0)
        if left > 1:
            self._ahead[key] = left - 1
        elif left == 1:
            del self._ahead[key]
        return left > 0
