"""How one series moves with another, on closed bars (docs/learning.md#the-correlation-filter)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from operator import attrgetter
from typing import NamedTuple

from engine.model.market import Bar

_HOLES = 4
"""So many times as many bars are looked through, for bars that one of the two has not."""
_close_ts = attrgetter("close_ts")


class Contradiction(NamedTuple):
    """What a reference series says about another."""

    correlation: float
    """Of the returns of both, -1 to 1."""
    move: int
    """Which way the reference went over its newest bars: +1, -1, 0."""

    def direction(self, least: float) -> int:
        """Which way it speaks for the other: +1, -1; 0 where they don't move together by `least`."""
        if abs(self.correlation) < least:
            return 0
        return self.move if self.correlation > 0 else -self.move


def correlated(
    ours: Sequence[Bar], theirs: Sequence[Bar], through: int, length: int, newest: int
) -> Contradiction | None:
    """The correlation over the newest `length` returns between bars that both have, closed by `through`
    (ns UTC), and how the reference moved over the `newest` of them. None while there are too few, or one
    stands still.

    Both are of one timeframe, oldest first.
    """
    near = _HOLES * (length + 1)
    end = bisect_right(theirs, through, key=_close_ts)
    closes = {bar.close_ts: bar.close for bar in theirs[max(0, end - near) : end]}
    pairs = [(bar.close, closes[bar.close_ts]) for bar in ours[-near:] if bar.close_ts in closes]
    pairs = pairs[-length - 1 :]
    if len(pairs) <= length or any(a <= 0 or b <= 0 for a, b in pairs):
        return None
    moved = [(b[0] / a[0] - 1, b[1] / a[1] - 1) for a, b in pairwise(pairs)]
    found = pearson(moved)
    if found is None:
        return None
    now, before = pairs[-1][1], pairs[-newest - 1][1]
    return Contradiction(found, (now > before) - (now < before))


def pearson(pairs: Sequence[tuple[float, float]]) -> float | None:
    """The correlation of pairs; None where either never changes."""
    n = len(pairs)
    if n < 2:
        return None
    mean_x, mean_y = sum(x for x, _ in pairs) / n, sum(y for _, y in pairs) / n
    xy = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    xx, yy = sum((x - mean_x) ** 2 for x, _ in pairs), sum((y - mean_y) ** 2 for _, y in pairs)
    if xx <= 0 or yy <= 0:
        return None
    return max(-1.0, min(1.0, xy / sqrt(xx * yy)))
