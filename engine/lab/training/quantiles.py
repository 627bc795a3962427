"""Whether quantiles are worth anything: their loss, and how often what came was below them
(docs/models.md#deep-models).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from msgspec import Struct


class QuantileScore(Struct, frozen=True):
    """Of what was said about outcomes that were not learned from."""

    pinball: float
    """Mean loss, in the unit of the outcomes; less is better."""
    pinball_of_base: float
    """What always saying the quantiles of what was learned from would lose."""
    below: tuple[float, ...]
    """How often each was not passed, 0..1: true ones are passed as often as they say."""

    def off(self, levels: Sequence[float]) -> float:
        """Mean distance of how often each was passed from what it says."""
        return sum(abs(level - came) for level, came in zip(levels, self.below, strict=True)) / len(levels)


def pinball(level: float, said: float, came: float) -> float:
    """The loss of a quantile: least on average where it is the true one."""
    return max(level * (came - said), (level - 1) * (came - said))


def quantiles_of(outcomes: Sequence[float], levels: Sequence[float]) -> tuple[float, ...]:
    """Of outcomes, at least one: the least of them that so large a share is not above."""
    ordered = sorted(outcomes)
    return tuple(ordered[min(len(ordered) - 1, max(0, ceil(level * len(ordered)) - 1))] for level in levels)


def scored(
    levels: Sequence[float],
    said: Sequence[Sequence[float]],
    came: Sequence[float],
    learned: Sequence[float],
) -> QuantileScore | None:
    """What was `said` of outcomes that `came`, beside the quantiles of those that were `learned` from; None
    without any.
    """
    if not came or not learned:
        return None
    usual, size = quantiles_of(learned, levels), len(came) * len(levels)
    loss = sum(pinball(*one) for row, it in zip(said, came, strict=True) for one in _each(levels, row, it))
    of_base = sum(pinball(*one) for it in came for one in _each(levels, usual, it))
    below = tuple(
        sum(it <= row[n] for row, it in zip(said, came, strict=True)) / len(came) for n in range(len(levels))
    )
    return QuantileScore(loss / size, of_base / size, below)


def _each(levels: Sequence[float], said: Sequence[float], came: float) -> list[tuple[float, float, float]]:
    return [(level, one, came) for level, one in zip(levels, said, strict=True)]
