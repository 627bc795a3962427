"""How likely an account is to fall to its floor: trades drawn anew from those that were made
(docs/statistics.md#risk-of-ruin).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate
from math import ceil, sqrt
from typing import Protocol

from msgspec import Struct

from engine.state.position import Trade

PATHS = 10_000
AHEAD = 250
"""Trades that each path goes on for."""
LEAST_TRADES = 30
"""Of fewer results nothing can be drawn that says much."""
_Z95 = 1.959964


class Draws(Protocol):
    """A seeded generator of chance, handed in: the engine has none of its own."""

    def choices(self, population: Sequence[float], *, k: int) -> list[float]:
        """`k` of them, each drawn from all."""
        ...


class Ruin(Struct, frozen=True):
    """Share of the paths that came to the floor, 0..1, and the bounds within which it is at 95 per cent."""

    probability: float
    low: float
    high: float
    floor_r: float
    """How far the floor is below, in units of what a trade risks."""
    trades_ahead: int
    paths: int
    median_r: float
    """Where the path in the middle ends."""


class RuinPaths:
    """The paths of one figure, a few at a time: all of them take a second or so."""

    def __init__(
        self, rs: Sequence[float], floor_r: float, draws: Draws, *, ahead: int = AHEAD, paths: int = PATHS
    ) -> None:
        self._rs, self._floor_r, self._draws = rs, floor_r, draws
        self._ahead, self._paths = ahead, paths
        self._ruined = 0
        self._ends: list[float] = []

    def go(self, count: int) -> bool:
        """Walk so many more; False once all are walked."""
        left = min(count, self._paths - len(self._ends))
        for _ in range(left):
            way = list(accumulate(self._draws.choices(self._rs, k=self._ahead)))
            self._ruined += min(way) <= -self._floor_r
            self._ends.append(way[-1])
        return len(self._ends) < self._paths

    def result(self) -> Ruin:
        """Of the paths so far."""
        count = len(self._ends)
        low, high = wilson(self._ruined, count)
        middle = sorted(self._ends)[ceil(count / 2) - 1]
        return Ruin(self._ruined / count, low, high, self._floor_r, self._ahead, count, middle)


def risk_of_ruin(
    rs: Sequence[float], floor_r: float, draws: Draws, *, ahead: int = AHEAD, paths: int = PATHS
) -> Ruin | None:
    """Of trades with results `rs` in R, for an account whose floor is `floor_r` R below. None of too few
    results, and where the floor is not below.
    """
    if not can_tell(rs, floor_r):
        return None
    walked = RuinPaths(rs, floor_r, draws, ahead=ahead, paths=paths)
    walked.go(paths)
    return walked.result()


def can_tell(rs: Sequence[float], floor_r: float) -> bool:
    """Whether there are results enough, and a floor to fall to."""
    return len(rs) >= LEAST_TRADES and floor_r > 0


def floor_in_r(trades: Iterable[Trade], floor_usd: Decimal) -> float | None:
    """How far a floor is below, in units of what these trades risked on average; None where nobody knows."""
    risks = [trade.risk_usd for trade in trades if trade.risk_usd]
    return float(floor_usd / (sum(risks, Decimal(0)) / len(risks))) if risks else None


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """Wilson's bounds at 95 per cent of a share that was counted: never 0 and 0, however few were tried."""
    share, z2 = hits / tries, _Z95 * _Z95
    middle = (share + z2 / (2 * tries)) / (1 + z2 / tries)
    half = _Z95 / (1 + z2 / tries) * sqrt(share * (1 - share) / tries + z2 / (4 * tries * tries))
    return max(0.0, middle - half), min(1.0, middle + half)
