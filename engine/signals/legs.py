"""The last confirmed leg of a series: how far price came back, and whether it is dear or cheap in it
(docs/signals.md#premium-and-discount).
"""

from __future__ import annotations

from msgspec import Struct

from engine.signals.swings import Swing


class SwingLeg(Struct, frozen=True):
    """From a swing to the one of the other kind after it, both confirmed. Prices in ticks."""

    start: Swing
    end: Swing

    @property
    def direction(self) -> int:
        """+1 up, -1 down."""
        return self.end.kind

    @property
    def known_at(self) -> int:
        """When its end was confirmed, nanoseconds UTC. It is the last one until another is known."""
        return self.end.known_at

    @property
    def low(self) -> int:
        return min(self.start.price, self.end.price)

    @property
    def high(self) -> int:
        return max(self.start.price, self.end.price)

    @property
    def middle(self) -> int:
        """Above it lies premium, below it discount."""
        return (self.start.price + self.end.price) // 2

    def place(self, price: int) -> float:
        """0 at its low, 1 at its high, beyond them where price has left it: over a half is premium."""
        return (price - self.low) / ((self.high - self.low) or 1)

    def retraced(self, price: int) -> float:
        """How much of it price has taken back: 0 at its end, 1 at its start, negative beyond its end."""
        place = self.place(price)
        return 1 - place if self.direction > 0 else place


class Legs:
    """Follows the legs of one series by its swings."""

    __slots__ = ("_standing", "last")

    def __init__(self) -> None:
        self._standing: dict[int, Swing] = {}
        self.last: SwingLeg | None = None
        """None before there are two swings."""

    def add(self, swing: Swing) -> SwingLeg | None:
        """Take a swing at the bar that confirmed it; gives the leg that ends with it, if one does.

        One that is superseded from birth ends none; one that goes further than that before it in its kind
        makes the leg longer: that is another Leg, known then.
        """
        if swing.superseded_by is not None:
            return None
        self._standing[swing.kind] = swing
        start = self._standing.get(-swing.kind)
        if start is None:
            return None
        self.last = SwingLeg(start, swing)
        return self.last
