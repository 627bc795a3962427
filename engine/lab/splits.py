"""What may be learned from, and what it is tested on: by time, never by chance
(docs/discovery.md#what-is-tested-on-what).

A trade lasts: one that is still open when the test begins has its outcome inside the test, so it is purged
from what is learned from. The embargo keeps a distance on top, for what outlasts a trade: a squeeze, a trend,
a release.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

Span = tuple[int, int]
"""When a trade was decided and when it ended, nanoseconds UTC."""


class Fold(Struct, frozen=True):
    """One step of a walk forward. Both hold positions in the sequence of spans, in its order."""

    train: tuple[int, ...]
    test: tuple[int, ...]
    start_ts: int
    """[start, end) of the test, nanoseconds UTC."""
    end_ts: int


def known_before(spans: Sequence[Span], ts: int, embargo_ns: int = 0) -> tuple[int, ...]:
    """Positions of the trades that had ended, and for `embargo_ns` already, when the test began at `ts`."""
    return tuple(n for n, (_, end) in enumerate(spans) if end <= ts - embargo_ns)


def decided_in(spans: Sequence[Span], start: int, end: int) -> tuple[int, ...]:
    """Positions of the trades that were decided in [start, end), whenever they ended."""
    return tuple(n for n, (begin, _) in enumerate(spans) if start <= begin < end)


def walk_forward(spans: Sequence[Span], bounds: Sequence[int], embargo_ns: int = 0) -> Iterator[Fold]:
    """A fold for every interval between neighbouring `bounds`, each trained on everything before it, purged
    and embargoed. Raises ValueError where bounds do not rise.
    """
    if any(a >= b for a, b in pairwise(bounds)):
        raise ValueError("the bounds of a walk forward must rise")
    for start, end in pairwise(bounds):
        yield Fold(known_before(spans, start, embargo_ns), decided_in(spans, start, end), start, end)


def even_bounds(start: int, end: int, count: int) -> tuple[int, ...]:
    """`count` intervals of the same length over [start, end): their count + 1 bounds.

    Raises ValueError where there is no room for so many.
    """
    if count < 1 or end - start < count:
        raise ValueError(f"no room for {count} intervals")
    return tuple(start + (end - start) * n // count for n in range(count + 1))
