"""Whether a new model takes the place of the one that is asked: only where it is better on what neither has
seen (docs/models.md#champion-and-challenger).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.lab.significance import Chance, sign_flip_p
from engine.lab.splits import Span

LEAST_BLOCKS = 8
"""Stretches of time without an overlap between them: of fewer nothing can be told."""


class Duel(Struct, frozen=True):
    """What came of it. Brier scores are those of the same outcomes, out of sample for both."""

    better: bool
    reason: str
    """For people, with its numbers."""
    outcomes: int = 0
    brier_champion: float | None = None
    brier_challenger: float | None = None
    p_value: float | None = None


def duel(
    spans: Sequence[Span],
    hits: Sequence[bool],
    champion: Sequence[float],
    challenger: Sequence[float],
    block_ns: int,
    error_rate: float,
    chance: Chance,
    whose: str = "the champion's",
) -> Duel:
    """Of outcomes that neither was trained on, oldest first, with the probability that each gave. `whose` is
    what people know the champion's score by.

    Differences are added up in stretches of `block_ns`, which is longer than an outcome lasts, so that they
    are as good as independent.
    """
    blocks: dict[int, float] = {}
    sums = [0.0, 0.0]
    for (begin, _), hit, old, new in zip(spans, hits, champion, challenger, strict=True):
        errors = (old - hit) ** 2, (new - hit) ** 2
        sums[0] += errors[0]
        sums[1] += errors[1]
        key = begin // block_ns
        blocks[key] = blocks.get(key, 0.0) + errors[0] - errors[1]
    count = len(spans)
    if len(blocks) < LEAST_BLOCKS:
        return Duel(
            False,
            f"too little has happened that neither has seen: {count:,} outcomes in {len(blocks)} stretches"
            f" of {LEAST_BLOCKS} at least",
            count,
        )
    old, new = sums[0] / count, sums[1] / count
    p = sign_flip_p(list(blocks.values()), chance)
    told = f"Brier score {new:.4f} beside {whose} {old:.4f} on {count:,} outcomes (p {p:.3f})"
    return Duel(p <= error_rate, told, count, old, new, p)
