"""What a model adds to the rules, out of sample: trades that it would have taken beside all of them, and how
likely chance alone would have chosen so well (docs/models.md#no-better-than-the-rules).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from msgspec import Struct

from engine.lab.significance import Chance

SHUFFLES = 1_999
"""Of the choice, for one p-value: it can't come out under 1 in 2,000."""
_ENOUGH = 100
"""So many that do as well settle that it is chance."""


class Traded(Struct, frozen=True):
    """Trades one at a time. Results in R net of costs; figures that need a trade are None without."""

    trades: int
    mean_r: float | None
    total_r: float
    win_rate: float | None
    """0..1, of results above zero."""
    worst_fall_r: float
    """Deepest fall of the sum from its highest point."""
    sharpe: float | None
    """Of one trade, not of a year."""


def traded(results: Sequence[float]) -> Traded:
    """The figures of results in the order of their times."""
    count = len(results)
    if not count:
        return Traded(0, None, 0.0, None, 0.0, None)
    total = peak = fall = 0.0
    for one in results:
        total += one
        peak = max(peak, total)
        fall = max(fall, peak - total)
    mean = total / count
    spread = sqrt(sum((one - mean) ** 2 for one in results) / (count - 1)) if count > 1 else 0.0
    won = sum(one > 0 for one in results) / count
    return Traded(count, mean, total, won, fall, mean / spread if spread > 1e-12 else None)


def choice_p(results: Sequence[float], taken: Sequence[bool], chance: Chance) -> float:
    """The one-sided p-value of "those that were taken are no better than the others": how often as many that
    are drawn blindly have a mean as high, the observed choice counted among the draws. 1.0 where all or none
    were taken.

    It asks for skill in choosing. That the chosen lose less than all of them because there are fewer of them
    is none: a model that trades nothing gains nothing by it.
    """
    count = sum(taken)
    if count in (0, len(results)):
        return 1.0
    observed = sum(one for one, chosen in zip(results, taken, strict=True) if chosen)
    least = observed - 1e-9 * sum(map(abs, results))  # sums of the same numbers in another order
    hits = 0
    for drawn in range(1, SHUFFLES + 1):
        if sum(results[n] for n in chance.sample(range(len(results)), count)) >= least:
            hits += 1
            if hits == _ENOUGH:
                return hits / drawn
    return (1 + hits) / (1 + SHUFFLES)
