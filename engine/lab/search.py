"""Which parameters a sweep tries: all of them, some by chance, or some that lie evenly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from math import prod

Axes = Mapping[str, Sequence[str]]
"""By parameter, the values that it may have, as text."""


def grid(axes: Axes) -> Iterator[dict[str, str]]:
    """Every combination, the last parameter changing fastest."""
    for values in product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def picked(axes: Axes, points: Iterable[Sequence[float]], count: int) -> Iterator[dict[str, str]]:
    """The combinations that points of [0, 1) fall on, none twice; at most `count`, and never more than there
    are.
    """
    seen: set[tuple[str, ...]] = set()
    wanted = min(count, prod(map(len, axes.values())))
    for point in islice(points, 1_000 * count):
        values = tuple(
            known[int(part * len(known))] for known, part in zip(axes.values(), point, strict=True)
        )
        if values not in seen:
            seen.add(values)
            yield dict(zip(axes, values, strict=True))
        if len(seen) == wanted:
            return
