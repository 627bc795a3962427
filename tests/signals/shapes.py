"""Bars written down as short tables, and a seeded market for properties."""

from __future__ import annotations

import random
from collections.abc import Iterable

from engine.model.market import Bar, Timeframe
from tests.market.feed import T0


def bar(
    n: int,
    open_: int,
    high: int,
    low: int,
    close: int,
    volume: int = 10,
    *,
    instrument: str = "ES",
    timeframe: Timeframe = Timeframe.M1,
) -> Bar:
    """The n-th bar after T0."""
    return Bar(instrument, timeframe, T0 + n * timeframe.nanos, open_, high, low, close, volume)


def spans(table: Iterable[tuple[int, int]]) -> list[Bar]:
    """Bars given as (low, high); each opens and closes in its middle."""
    return [bar(n, (low + high) // 2, high, low, (low + high) // 2) for n, (low, high) in enumerate(table)]


def wander(
    seed: int,
    count: int,
    *,
    instrument: str = "ES",
    timeframe: Timeframe = Timeframe.M1,
    start: int = 24_000,
    step: float = 6.0,
    first: int = 0,
) -> list[Bar]:
    """A seeded random walk with calm and busy hours."""
    chance = random.Random(seed)
    price, heat = float(start), 1.0
    bars = []
    for n in range(first, first + count):
        heat = min(3.0, max(0.4, heat * (1 + chance.gauss(0, 0.08))))
        path = [price]
        for _ in range(12):
            path.append(path[-1] + chance.gauss(0, step * heat / 3.5))
        price = path[-1]
        ticks = [round(one) for one in path]
        bars.append(
            bar(
                n,
                ticks[0],
                max(ticks),
                min(ticks),
                ticks[-1],
                chance.randrange(20, 400),
                instrument=instrument,
                timeframe=timeframe,
            )
        )
    return bars
