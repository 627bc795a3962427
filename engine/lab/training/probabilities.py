"""Whether probabilities are worth anything: their calibration and their scores
(docs/models.md#what-the-numbers-mean).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import log

from msgspec import Struct

_EDGE = 1e-6
"""What is certain and wrong costs no more than a probability of this."""

Table = tuple[tuple[float, float], ...]
"""(raw, calibrated), both rising: straight between them, level beyond (engine.model.opinion.ModelCard)."""


class Bin(Struct, frozen=True):
    """Predictions of about the same probability."""

    predicted: float
    """Their mean."""
    hit_rate: float
    """How often the target really came first."""
    count: int
    mean_r: float = 0.0
    """What such trades made, R net of costs."""


def isotonic(raw: Sequence[float], hits: Sequence[bool], weights: Sequence[float], pools: int = 20) -> Table:
    """How often raw outputs came true: by pooling adjacent violators, over at most so many parts of about the
    same number of outcomes, so that no step rests on a handful.

    Raises ValueError where there is nothing to go by.
    """
    if not raw:
        raise ValueError("nothing to calibrate by")
    pooled: list[tuple[float, float, float]] = []  # weight, raw x weight, hits x weight
    for part in _parts(raw, pools):
        weight = sum(weights[n] for n in part)
        if weight <= 0:
            continue
        fresh = (
            weight,
            sum(weights[n] * raw[n] for n in part),
            sum(weights[n] for n in part if hits[n]),
        )
        pooled.append(fresh)
        while len(pooled) > 1 and pooled[-2][2] * pooled[-1][0] >= pooled[-1][2] * pooled[-2][0]:
            last, before = pooled.pop(), pooled.pop()
            pooled.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    return tuple((place / weight, hit / weight) for weight, place, hit in pooled)


def _parts(values: Sequence[float], count: int) -> list[list[int]]:
    """Positions by rising value in at most `count` parts of about the same size; equal ones stay together."""
    order = sorted(range(len(values)), key=values.__getitem__)
    parts: list[list[int]] = [[]]
    for _, same in groupby(order, values.__getitem__):
        if len(parts) < count and sum(map(len, parts)) >= len(parts) * len(values) / count:
            parts.append([])
        parts[-1] += same
    return parts


def reliability(
    predicted: Sequence[float], hits: Sequence[bool], results: Sequence[float] = (), bins: int = 10
) -> tuple[Bin, ...]:
    """Predictions in parts of about the same number, the least probable first."""
    if not predicted:
        return ()
    return tuple(
        Bin(
            sum(predicted[n] for n in part) / len(part),
            sum(hits[n] for n in part) / len(part),
            len(part),
            sum(results[n] for n in part) / len(part) if results else 0.0,
        )
        for part in _parts(predicted, bins)
    )


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error: the mean distance of predicted from observed, by the size of each part."""
    count = sum(one.count for one in bins)
    return sum(one.count * abs(one.predicted - one.hit_rate) for one in bins) / count if count else None


def brier(predicted: Sequence[float], hits: Sequence[bool]) -> float | None:
    """Mean squared distance of prediction and outcome; 0 is perfect, 0.25 is always saying one half."""
    if not predicted:
        return None
    return sum((p - one) ** 2 for p, one in zip(predicted, hits, strict=True)) / len(predicted)


def log_loss(predicted: Sequence[float], hits: Sequence[bool]) -> float | None:
    """Mean negative logarithm of the probability that was given to what happened, in nats."""
    if not predicted:
        return None
    total = 0.0
    for p, one in zip(predicted, hits, strict=True):
        total -= log(max(_EDGE, p if one else 1 - p))
    return total / len(predicted)


def auc(predicted: Sequence[float], hits: Sequence[bool]) -> float | None:
    """How often a hit was given a higher probability than a miss, ties half; 0.5 is chance. None where there
    are not both.
    """
    positive = sum(hits)
    negative = len(hits) - positive
    if not positive or not negative:
        return None
    order = sorted(range(len(predicted)), key=predicted.__getitem__)
    ranks, before = 0.0, 0
    for _, same in groupby(order, predicted.__getitem__):
        tied = list(same)
        ranks += sum(hits[n] for n in tied) * (before + (len(tied) + 1) / 2)
        before += len(tied)
    return (ranks - positive * (positive + 1) / 2) / (positive * negative)


def lift(predicted: Sequence[float], hits: Sequence[bool], share: float = 0.1) -> float | None:
    """The hit rate of the most probable `share` over that of all; 1 is chance. None where nothing hit."""
    positive = sum(hits)
    if not positive:
        return None
    order = sorted(range(len(predicted)), key=lambda n: -predicted[n])
    top = order[: max(1, round(share * len(order)))]
    return sum(hits[n] for n in top) / len(top) * len(hits) / positive
