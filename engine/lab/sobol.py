"""Sobol's points: they fill a space evenly, the more of them the denser, where chance leaves holes and heaps.

Direction numbers are those of Joe and Kuo (2008) for the first sixteen dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BITS = 32
_PRIMITIVES: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0, (1,)),
    (1, (1, 3)),
    (1, (1, 3, 1)),
    (2, (1, 1, 1)),
    (1, (1, 1, 3, 3)),
    (4, (1, 3, 5, 13)),
    (2, (1, 1, 5, 5, 17)),
    (4, (1, 1, 5, 5, 5)),
    (7, (1, 1, 7, 11, 19)),
    (11, (1, 1, 5, 1, 1)),
    (13, (1, 1, 1, 3, 11)),
    (14, (1, 3, 5, 5, 31)),
    (1, (1, 3, 3, 9, 7, 49)),
    (13, (1, 1, 1, 15, 21, 21)),
    (16, (1, 3, 1, 13, 27, 49)),
)
"""Of the dimensions after the first: inner coefficients of a primitive polynomial, and where they begin."""

MOST = len(_PRIMITIVES) + 1
"""Dimensions."""


def sobol(dimensions: int, shifts: Sequence[int] = ()) -> Iterator[tuple[float, ...]]:
    """Points of [0, 1) in each dimension, without end. `shifts`, one a dimension and drawn from a seed, move
    all of them alike and keep how evenly they lie. Raises ValueError for more dimensions than `MOST`.
    """
    if not 1 <= dimensions <= MOST:
        raise ValueError(f"from 1 to {MOST} dimensions, not {dimensions}")
    directions = [_directions(n) for n in range(dimensions)]
    point = list(shifts) or [0] * dimensions
    count = 0
    while True:
        yield tuple(part / (1 << BITS) for part in point)
        zero = (~count & (count + 1)).bit_length() - 1  # Gray code: one bit changes
        count += 1
        for n in range(dimensions):
            point[n] ^= directions[n][zero]


def _directions(dimension: int) -> list[int]:
    if dimension == 0:
        return [1 << (BITS - 1 - bit) for bit in range(BITS)]
    inner, begin = _PRIMITIVES[dimension - 1]
    degree = len(begin)
    found = [m << (BITS - 1 - bit) for bit, m in enumerate(begin)]
    for bit in range(degree, BITS):
        value = found[bit - degree] ^ (found[bit - degree] >> degree)
        for k in range(1, degree):
            if inner >> (degree - 1 - k) & 1:
                value ^= found[bit - k]
        found.append(value)
    return found
