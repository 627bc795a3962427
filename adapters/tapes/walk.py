"""How a recorded minute becomes prints: one fixed walk, nothing drawn by chance.

A bar says where the market was, not how it went. The walk goes open, then the extreme that is nearer in
the usual course of such a bar (the low first when it closes at or above its open, else the high first),
then the other extreme, then close. Between these turning points it goes by single ticks as far as the
number of prints allows, so that no order is jumped over for want of a print.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from engine.model.market import NANOS, Bar

Point = tuple[int, int, int]
"""One trade: nanoseconds UTC, price in ticks, contracts."""

_SLOWEST = 5 * NANOS
_FASTEST = NANOS


def turning_points(bar: Bar) -> list[int]:
    """Open, extremes and close in the order of the walk, in ticks, without repetitions in a row."""
    extremes = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    points = [bar.open]
    for price in (*extremes, bar.close):
        if price != points[-1]:
            points.append(price)
    return points


def walk(bar: Bar) -> Iterator[Point]:
    """The prints of a bar, equally spaced inside [open_ts, close_ts), first at its open, last at its close.

    - There is one print for each tick of the way, but at least one in five seconds (standing still where
      the way is short), at most one a second, and no more than the bar has contracts.
    - The turning points always print. When the bar has fewer contracts than turning points, the first
      ones have one contract each and the rest have size zero, as some trades of real recordings do.
    - Otherwise every print has at least one contract and the volume is spread evenly.

    So folding the prints gives open, high, low, close and volume of the bar again.
    """
    turns = turning_points(bar)
    way = sum(abs(b - a) for a, b in pairwise(turns))
    length = bar.close_ts - bar.open_ts
    wanted = max(length // _SLOWEST, min(length // _FASTEST, way + 1))
    count = max(len(turns), min(bar.volume, wanted))
    prices = _between(turns, way, count - len(turns))
    starved = bar.volume < count
    for i, price in enumerate(prices):
        share = int(i < bar.volume) if starved else (i + 1) * bar.volume // count - i * bar.volume // count
        yield bar.open_ts + (2 * i + 1) * length // (2 * count), price, share


def _between(turns: list[int], way: int, extra: int) -> list[int]:
    """The turning points with `extra` prices put between them, in proportion to the ticks in each stretch."""
    if way == 0:
        return turns * (extra + 1)
    hidden = way + 1 - len(turns)  # ticks of the way that are no turning points
    prices = [turns[0]]
    gone = 0
    for a, b in pairwise(turns):
        step, ticks = (1, b - a) if b > a else (-1, a - b)
        weight, whole = (ticks - 1, hidden) if hidden else (ticks, way)
        inside = extra * (gone + weight) // whole - extra * gone // whole
        prices.extend(a + step * (ticks * (i + 1) // (inside + 1)) for i in range(inside))
        prices.append(b)
        gone += weight
    return prices
