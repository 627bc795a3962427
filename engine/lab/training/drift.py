"""Whether what a model is told of the world has changed: ADWIN (Bifet and Gavaldà 2007) over its errors
(docs/models.md#retraining).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import log, sqrt

from msgspec import Struct

CONFIDENCE = 0.002
"""How often, at most, one look takes chance for a change, as ADWIN's bound has it."""
_LEAST = 30
"""Values on either side of a cut."""
_GROWTH = 1.15
"""Cuts lie closer to each other the newer they are."""


class Drift(Struct, frozen=True):
    """A change of the mean that chance hardly makes."""

    at: int
    """Position of the first value after it."""
    before: float
    """Mean up to it."""
    after: float


def drifted(errors: Sequence[float]) -> Drift | None:
    """The clearest cut of errors in [0, 1], oldest first, at which their mean has risen beyond ADWIN's bound;
    None where there is none. A mean that falls is no reason to worry.

    Errors of outcomes that overlapped in time are not independent: leave overlaps out before.
    """
    count = len(errors)
    if count < 2 * _LEAST:
        return None
    sums = [0.0, *accumulate(errors)]
    squares = sum(one * one for one in errors)
    variance = max(0.0, squares / count - (sums[-1] / count) ** 2)
    rate = log(2 * log(count) / CONFIDENCE)
    clearest, found = 0.0, None
    newest = float(_LEAST)
    while count - int(newest) >= _LEAST:
        at = count - int(newest)
        before, after = sums[at] / at, (sums[-1] - sums[at]) / (count - at)
        inverse = 1 / at + 1 / (count - at)
        bound = sqrt(2 * inverse * variance * rate) + 2 / 3 * inverse * rate
        if after - before - bound > clearest:
            clearest, found = after - before - bound, Drift(at, before, after)
        newest = max(newest + 1, newest * _GROWTH)
    return found
