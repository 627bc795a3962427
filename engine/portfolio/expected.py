"""Whether live results are still what a backtest promised (docs/scanner.md#behind-its-backtest).

A test that may be looked at after every trade, as a t-test may not be: a bet that pays where results are
worse than promised, and that is fair where they are not, multiplies its stake by 20 with a probability of 5 %
at most, however long one plays (Ville's inequality; betting after Waudby-Smith and Ramdas 2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, log

from msgspec import Struct

from engine.model.expectation import Expectation

ERROR_RATE = 0.05
"""How often something that keeps its promise is called behind, over all of its life."""
_SHARES = (0.15, 0.3)
"""Bets: shares of the most that may be staked. Half of the money plays each."""
_LEAST_R = -2.0
"""What is worse counts as this: one accident proves nothing."""
_STEPS = 40


class Kept(Struct, frozen=True):
    """Live results beside what they were promised to be."""

    trades: int
    wins: int
    total_r: float
    mean_r: float | None
    """None without a trade."""
    at_most_r: float | None
    """The true mean is at most this, with a probability of 95 %, whenever one looks: the band's upper end."""
    p: float
    """Of results that are so bad at any time, were the promise kept."""
    behind: bool
    """The promise is outside of what the results allow."""


def kept(expected: Expectation, results: Sequence[float], error_rate: float = ERROR_RATE) -> Kept:
    """What is to be said of one bot's results, oldest first."""
    count = len(results)
    p = p_value((expected, r) for r in results)
    total = sum(results)
    return Kept(
        count,
        sum(r > 0 for r in results),
        total,
        total / count if count else None,
        _at_most(expected, results, error_rate) if count else None,
        p,
        p <= error_rate,
    )


def p_value(results: Iterable[tuple[Expectation, float]]) -> float:
    """Of results of several bots, each beside its own promise, in the order in which they came."""
    logs = [0.0] * len(_SHARES)
    most = 0.0
    for expected, r in results:
        for k, share in enumerate(_SHARES):
            logs[k] += _won(expected.mean_r, _roof(expected), share, r)
        most = max(most, _mixed(logs))
    return exp(-most)


def _roof(expected: Expectation) -> float:
    """More than this a trade does not make."""
    return max(expected.most_r, expected.mean_r + 0.5)


def _won(mean: float, roof: float, share: float, r: float) -> float:
    """Logarithm of what a bet of this share comes to at one result."""
    r = min(max(r, _LEAST_R), roof)
    return log(1 + share * (mean - r) / (roof - mean))


def _mixed(logs: Sequence[float]) -> float:
    """Logarithm of all the money, of which each bet had an equal part at first."""
    highest = max(logs)
    return highest + log(sum(exp(one - highest) for one in logs) / len(logs))


def _at_most(expected: Expectation, results: Sequence[float], error_rate: float) -> float:
    """The mean above which a bet against the results so far would have won too much."""
    roof = _roof(expected)
    low, high = _LEAST_R, roof - 1e-6
    for _ in range(_STEPS):
        middle = (low + high) / 2
        money = _mixed([sum(_won(middle, roof, share, r) for r in results) for share in _SHARES])
        if money >= -log(error_rate):
            high = middle
        else:
            low = middle
    return high
