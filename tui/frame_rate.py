"""How often the screen is drawn: less when nobody looks, less when drawing is slow, and it says so."""

from __future__ import annotations

SLOWEST = 2.0
"""Frames a second below which the cockpit does not go."""
UNFOCUSED = 2.0
"""Frames a second while the terminal has lost the focus."""
_SLOW = 0.25
"""Share of its period that a frame may cost before the rate is halved."""
_CHEAP = 0.10
"""Share of the faster rate's period below which the rate is doubled again."""
_CHEAP_FRAMES = 30
"""Cheap frames in a row before that."""


class FrameRate:
    """Decides when the next frame is due. Times are seconds of a monotonic clock, costs CPU seconds."""

    def __init__(self, fps: float) -> None:
        self.wanted = fps
        self._floor = min(SLOWEST, fps)
        self.rate = self.wanted
        self.focused = True
        self._due = 0.0
        self._slow = 0
        self._cheap = 0

    @property
    def period(self) -> float:
        """Seconds between frames as things are."""
        return 1 / (self.rate if self.focused else min(self.rate, UNFOCUSED))

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

    def draw_next(self) -> None:
        """The next tick draws, whatever the rate."""
        self._due = 0.0

    def add_cost(self, cost: float) -> None:
        """Take in what a frame cost, tick and paint; halves the rate after three slow frames in a row."""
        self._slow = self._slow + 1 if cost > _SLOW / self.rate else 0
        cheap = cost < _CHEAP / min(self.wanted, self.rate * 2)
        self._cheap = self._cheap + 1 if cheap else 0
        if self._slow >= 3 and self.rate > self._floor:
            self.rate = max(self._floor, self.rate / 2)
            self._slow = self._cheap = 0
        elif self._cheap >= _CHEAP_FRAMES and self.rate < self.wanted:
            self.rate = min(self.wanted, self.rate * 2)
            self._cheap = 0
