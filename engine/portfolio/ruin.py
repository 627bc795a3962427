"""How likely an account is to fall to its floor: trades drawn anew from those that were made
(docs/statistics.md#risk-of-ruin).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import ceil, sqrt
from typing import Protocol

from msgspec import Struct

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


def risk_of_ruin(
    rs: Sequence[float], floor_r: float, draws: Draws, *, ahead: int = AHEAD, paths: int = PATHS
) -> Ruin | None:
    """Of trades with results `rs` in R, for an account whose floor is `floor_r` R below. None of too few
    results, and where the floor is not below.
    """
    if len(rs) < LEAST_TRADES or floor_r <= 0:
        return None
    ruined, ends = 0, []
    for _ in range(paths):
        way = list(accumulate(draws.choices(rs, k=ahead)))
        ruined += min(way) <= -floor_r
        ends.append(way[-1])
    low, high = wilson(ruined, paths)
    ends.sort()
    return Ruin(ruined / paths, low, high, floor_r, ahead, paths, ends[ceil(paths / 2) - 1])


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """Wilson's bounds at 95 per cent of a share that was counted: never 0 and 0, however few were tried."""
    share, z2 = hits / tries, _Z95 * _Z95
    middle = (share + z2 / (2 * tries)) / (1 + z2 / tries)
    half = _Z95 / (1 + z2 / tries) * sqrt(share * (1 - share) / tries + z2 / (4 * tries * tries))
    return max(0.0, middle - half), min(1.0, middle + half)
