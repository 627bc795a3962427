"""How often the screen is drawn: less when nobody looks, less when drawing is dear, and it says so."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

SLOWEST = 2.0
"""Frames a second below which the cockpit does not go."""
BLURRED = 2.0
"""Frames a second while the terminal has lost the focus."""
_DEAR = 0.25
"""Share of its period that a frame may cost before the rate is halved."""
_CHEAP = 0.10
"""Share of the faster rate's period below which the rate is doubled again."""
_PATIENCE = 30


class Pace:
    """Decides when the next frame is due. Times are seconds of a monotonic clock, costs CPU seconds."""

    def __init__(self, fps: float) -> None:
        self.wanted = fps
        self._floor = min(SLOWEST, fps)
        self.rate = self.wanted
        self.focused = True
        self._due = 0.0
        self._dear = 0
        self._cheap = 0

    @property
    def period(self) -> float:
        """Seconds between frames as things are."""
        return 1 / (self.rate if self.focused else min(self.rate, BLURRED))

    @property
    def note(self) -> str:
        """What to tell the person at the screen; empty at full rate."""
        return "" if self.rate >= self.wanted else f"slow screen: {self.rate:g} fps"

    def due(self, now: float) -> bool:
        """Whether it is time for a frame; books the next one if so."""
        if now < self._due - 1e-4:
            return False
        self._due = max(now, self._due + self.period) if now - self._due < self.period else now + self.period
        return True

    def hurry(self) -> None:
        """The next tick draws, whatever the rate."""
        self._due = 0.0

    def spent(self, cost: float) -> None:
        """Take in what a frame cost, tick and paint; halves the rate after three dear frames in a row."""
        self._dear = self._dear + 1 if cost > _DEAR / self.rate else 0
        cheap = cost < _CHEAP / min(self.wanted, self.rate * 2)
        self._cheap = self._cheap + 1 if cheap else 0
        if self._dear >= 3 and self.rate > self._floor:
            self.rate = max(self._floor, self.rate / 2)
            self._dear = self._cheap = 0
        elif self._cheap >= _PATIENCE and self.rate < self.wanted:
            self.rate = min(self.wanted, self.rate * 2)
            self._cheap = 0


class Flashes:
    """Which prices changed a moment ago, and which way. A flash fades within 200 ms."""

    FADE = 0.2

    def __init__(self) -> None:
        self._last: dict[str, Decimal] = {}
        self._lit: dict[str, tuple[int, float]] = {}

    def see(self, prices: Mapping[str, Decimal | None], now: float) -> None:
        """Take in the last prices of a View, by contract."""
        for name, price in prices.items():
            if price is None:
                continue
            before = self._last.get(name, price)
            if price != before:
                self._lit[name] = (1 if price > before else -1, now)
            self._last[name] = price

    def levels(self, now: float) -> dict[str, int]:
        """Signed strength of each flash: 2 when it is new, 1 when half faded."""
        if not self._lit:
            return {}
        self._lit = {name: lit for name, lit in self._lit.items() if now - lit[1] < self.FADE - 1e-4}
        return {
            name: sign * (2 if now - since < self.FADE / 2 - 1e-4 else 1)
            for name, (sign, since) in self._lit.items()
        }
