"""How the trades of a bot that a backtest speaks for have ended since it was taken in."""

from __future__ import annotations

from msgspec import Struct, field

from engine.model.expectation import Expectation

RESULTS_KEPT = 2_000
"""A bot that has made more is judged by those that came first: they are what it would have failed on."""


class LiveResults(Struct):
    """Of one bot in one book."""

    expected: Expectation
    r: list[float] = field(default_factory=list)
    """Net of costs, in units of the risk at the first stop, oldest first."""

    def add(self, r: float) -> None:
        """One more, by folds alone."""
        if len(self.r) < RESULTS_KEPT:
            self.r.append(r)
