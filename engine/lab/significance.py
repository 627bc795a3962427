"""How likely chance alone would have looked so good, for one edge and for many
(docs/discovery.md#how-likely-it-is-chance).
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import getitem
from typing import Protocol

FLIPS = 9_999
"""Of signs, for one p-value: it can't come out under 1 in 10,000."""
_ENOUGH = 100
"""So many flips that do as well settle that it is chance: no more are thrown (Besag and Clifford 1991)."""
_AT_ONCE = 8
"""Signs that one byte decides."""


class Chance(Protocol):
    """A seeded generator that is handed in: random.Random fulfils it."""

    def randbytes(self, n: int) -> bytes: ...

    def sample(self, population: Sequence[int], k: int) -> list[int]: ...


def sign_flip_p(values: Sequence[float], chance: Chance, flips: int = FLIPS) -> float:
    """The one-sided p-value of "the mean is not above zero" for results of trades, in R.

    If nothing but luck stood behind a result, it might as well have had the other sign: the share of random
    flips of all signs whose sum is as large or larger, the observed one counted among them. 1.0 for nothing.
    Results of trades that were open at the same time are no independent ones: leave out overlaps before.
    """
    if not values:
        return 1.0
    observed = sum(values)
    tables = [_signed_sums(values[n : n + _AT_ONCE]) for n in range(0, len(values), _AT_ONCE)]
    width = len(tables)
    slack = 1e-9 * sum(map(abs, values))
    least = observed - slack  # sums of the same numbers in another order
    hits = 0
    for thrown in range(1, flips + 1):
        if sum(map(getitem, tables, chance.randbytes(width))) >= least:
            hits += 1
            if hits == _ENOUGH:
                return hits / thrown
    return (1 + hits) / (1 + flips)


def _signed_sums(values: Sequence[float]) -> list[float]:
    """The sums of up to eight values under all 256 patterns of signs; unused bits change nothing."""
    sums = [0.0]
    for value in values:
        sums = [one - value for one in sums] + [one + value for one in sums]
    repeated: int = 2**_AT_ONCE // len(sums)
    return sums * repeated


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's adjusted p-values, in the order given: claiming all under a rate makes even one false claim
    no more often than that, however the tests depend on each other.
    """
    count = len(p_values)
    adjusted = [1.0] * count
    largest = 0.0
    for place, n in enumerate(sorted(range(count), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[n] * (count - place)))
        adjusted[n] = largest
    return tuple(adjusted)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Benjamini and Hochberg's adjusted p-values, in the order given: of all claims under a rate, that share
    is expected to be false, where the tests are independent or lean the same way.
    """
    count = len(p_values)
    adjusted = [1.0] * count
    smallest = 1.0
    ranked = sorted(range(count), key=p_values.__getitem__)
    for place in range(count - 1, -1, -1):
        n = ranked[place]
        smallest = min(smallest, p_values[n] * count / (place + 1))
        adjusted[n] = smallest
    return tuple(adjusted)
