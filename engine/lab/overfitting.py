"""What the search itself does to the best result: the deflated Sharpe ratio and the probability of backtest
overfitting (docs/discovery.md#what-the-search-does-to-the-best).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import e, sqrt
from statistics import NormalDist

from msgspec import Struct

_EULER = 0.5772156649015329
_NORMAL = NormalDist()


class Sums(Struct, frozen=True):
    """Results of trades, added up: what their mean and deviation are made of."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def sharpe(self) -> float:
        """Mean over standard deviation (n - 1) of one trade; 0 where there are not two different results."""
        if self.count < 2:
            return 0.0
        mean = self.total / self.count
        spread = (self.squares - self.total * mean) / (self.count - 1)
        return mean / sqrt(spread) if spread > 1e-12 else 0.0


def sums(values: Iterable[float]) -> Sums:
    """Add results up."""
    listed = tuple(values)
    return Sums(len(listed), sum(listed), sum(value * value for value in listed))


def expected_best_sharpe(trials: int, variance: float) -> float:
    """The Sharpe ratio that the best of so many trials without any edge is expected to show, where the ratios
    of the trials vary by `variance`. 0 for a single trial.
    """
    if trials < 2:
        return 0.0
    quantile = _NORMAL.inv_cdf
    return sqrt(variance) * (
        (1 - _EULER) * quantile(1 - 1 / trials) + _EULER * quantile(1 - 1 / (trials * e))
    )


def probabilistic_sharpe(sharpe: float, benchmark: float, count: int, skew: float, kurtosis: float) -> float:
    """The probability that a true Sharpe ratio lies above a benchmark, given an observed one of `count`
    results (both per result, none annualised) with this skewness and kurtosis (3 for a normal one).
    """
    error = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe * sharpe
    return _NORMAL.cdf((sharpe - benchmark) * sqrt(count - 1) / sqrt(max(error, 1e-12)))


def deflated_sharpe(values: Sequence[float], trials: int, variance: float) -> float | None:
    """The probability that results are better than the best of `trials` attempts would be by luck alone,
    where the Sharpe ratios of the attempts vary by `variance`. None for fewer than two different results.
    """
    count = len(values)
    if count < 2:
        return None
    mean = sum(values) / count
    moments = [sum((value - mean) ** power for value in values) / count for power in (2, 3, 4)]
    if moments[0] < 1e-12:
        return None
    skew, kurtosis = moments[1] / moments[0] ** 1.5, moments[2] / moments[0] ** 2
    observed = sums(values).sharpe
    return probabilistic_sharpe(observed, expected_best_sharpe(trials, variance), count, skew, kurtosis)


class Overfitting(Struct, frozen=True):
    """What choosing the best in one half of the time says about the other half."""

    probability: float
    """Share of the splits in which the best of one half was not above the middle of the other, 0..1."""
    splits: int
    loses: float
    """Share of the splits in which it lost in the other half, 0..1."""


def backtest_overfitting(trials: Sequence[Sequence[Sums]]) -> Overfitting | None:
    """Combinatorially symmetric cross-validation: for each trial its results in the same slices of time.

    Every half of the slices is once what the best is chosen by (its Sharpe ratio) and the others are what it
    is judged by. None where there are fewer than two trials or slices. Raises ValueError for an odd number of
    slices, or trials that differ in it.
    """
    if len(trials) < 2 or len(trials[0]) < 2:
        return None
    slices = len(trials[0])
    if slices % 2 or any(len(trial) != slices for trial in trials):
        raise ValueError("every trial needs the same, even number of slices")
    whole = [sum(trial, Sums()) for trial in trials]
    poor = lost = count = 0
    for chosen in combinations(range(slices), slices // 2):
        inside = [sum((trial[n] for n in chosen), Sums()) for trial in trials]
        outside = [
            Sums(a.count - i.count, a.total - i.total, a.squares - i.squares).sharpe
            for a, i in zip(whole, inside, strict=True)
        ]
        best = max(range(len(trials)), key=lambda n: inside[n].sharpe)
        judged = outside[best]
        below = sum(other < judged for other in outside)
        ties = sum(other == judged for other in outside) - 1
        rank = below + ties / 2 + 1
        count += 1
        poor += 2 * rank <= len(trials) + 1
        lost += judged < 0
    return Overfitting(poor / count, count, lost / count)
