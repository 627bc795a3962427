"""Minutes of made-up markets: pure chance, or chance with an edge planted in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from random import Random

from engine.market.calendars.known import CME
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe
from engine.signals.frame import FrameSignals
from engine.signals.patterns import PatternKind

MES = CME_FUTURES["MES"]
START = 1_767_565_800_000_000_000
"""2026-01-04 22:30 UTC: before the Sunday open of Globex."""
_STEPS = 12
"""Moves inside a minute."""
_MOVE_TICKS = 4.0
"""Standard deviation of one: a minute's range is about 20 ticks."""

Nudge = Callable[[Bar], float]
"""Told of every minute that closed; how far the next one drifts, ticks."""


def _no_drift(bar: Bar) -> float:
    return 0.0


def market(seed: int, count: int, nudge: Nudge = _no_drift) -> Iterator[Bar]:
    """So many minutes of MES while Globex is open: a random walk, and what `nudge` adds to it."""
    chance = Random(seed)
    price, drift, ts = 24_000.0, 0.0, START
    for _ in range(count):
        while not CME.is_open(ts):
            ts += MINUTE
        path = [price]
        for _ in range(_STEPS):
            price += chance.gauss(drift / _STEPS, _MOVE_TICKS)
            path.append(price)
        ticks = [round(one) for one in path]
        bar = Bar(
            "MES", Timeframe.M1, ts, ticks[0], max(ticks), min(ticks), ticks[-1], 100 + chance.randrange(50)
        )
        yield bar
        drift = nudge(bar)
        ts += MINUTE


def random_walk(seed: int, count: int) -> list[Bar]:
    return list(market(seed, count))


class _Afterwards:
    """A drift of so many ticks a minute in a direction, for a while after something happened."""

    def __init__(self, ticks: float, minutes: int) -> None:
        self._ticks, self._minutes = ticks, minutes
        self._left = self._direction = 0

    def __call__(self, direction: int) -> float:
        if direction and not self._left:
            self._left, self._direction = self._minutes, direction
        if not self._left:
            return 0.0
        self._left -= 1
        return self._ticks * self._direction


class Planted(StrEnum):
    """What is followed by a drift."""

    SWEEP = "a rise or fall after a sweep of stops"
    BREAK = "momentum after a break of structure"
    LEVEL = "a turn at support or resistance that goes on"


PATTERNS = {
    Planted.SWEEP: PatternKind.POOL_SWEPT,
    Planted.BREAK: PatternKind.BREAK,
    Planted.LEVEL: PatternKind.LEVEL_HELD,
}


def with_edge(what: Planted, seed: int, count: int, ticks: float, minutes: int = 12) -> list[Bar]:
    """Chance, but that prices drift so many ticks a minute, for some minutes, after a pattern of minutes."""
    frame, kind = FrameSignals("MES", Timeframe.M1), PATTERNS[what]
    drift = _Afterwards(ticks, minutes)

    def nudge(bar: Bar) -> float:
        frame.add(bar)
        sides = [one.direction for one in frame.patterns_after(bar.close_ts - 1) if one.kind is kind]
        return drift(sides[-1] if sides else 0)

    return list(market(seed, count, nudge))
