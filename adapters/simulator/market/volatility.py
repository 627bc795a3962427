"""The slow forces of the generated market: the day's curve, clusters of volatility, trends and ranges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from random import Random

SESSION_MINUTES = 23 * 60
"""17:00 to 16:00, Chicago time."""

_INDEX_CURVE = (
    ("17:00", 0.16), ("18:00", 0.10), ("20:00", 0.12), ("23:00", 0.08), ("02:00", 0.26), ("04:00", 0.18),
    ("06:30", 0.25), ("07:29", 0.30), ("07:30", 0.62), ("07:50", 0.40), ("08:25", 0.45), ("08:29", 0.55),
    ("08:30", 1.45), ("08:45", 1.25), ("09:30", 1.10), ("10:30", 1.00), ("11:30", 0.66), ("12:30", 0.55),
    ("13:15", 0.66), ("14:00", 0.88), ("14:50", 1.20), ("14:59", 1.55), ("15:00", 0.60), ("15:15", 0.25),
    ("15:59", 0.12),
)  # fmt: skip
_METAL_CURVE = (
    ("17:00", 0.25), ("19:00", 0.45), ("21:00", 0.35), ("01:00", 0.40), ("02:00", 0.70), ("06:00", 0.75),
    ("07:20", 1.30), ("09:00", 1.15), ("10:30", 0.90), ("12:30", 0.60), ("13:00", 0.35), ("15:59", 0.18),
)  # fmt: skip


def _minute(clock: str) -> int:
    """Minutes since the session's open."""
    hour, minute = clock.split(":")
    return (int(hour) * 60 + int(minute) - 17 * 60) % 1440


def _curve(points: Sequence[tuple[str, float]]) -> tuple[float, ...]:
    """Activity for each minute of the session by straight lines between the points; 1 is mid-morning."""
    knots = [(_minute(clock), level) for clock, level in points]
    knots.append((SESSION_MINUTES, knots[-1][1]))
    out: list[float] = []
    for (start, low), (end, high) in pairwise(knots):
        out += (low + (high - low) * i / (end - start) for i in range(end - start))
    return tuple(out)


INDEX_ACTIVITY = _curve(_INDEX_CURVE)
METAL_ACTIVITY = _curve(_METAL_CURVE)


class Weather:
    """What the market is like just now: how wild, and whether it goes somewhere.

    Volatility is the day's curve times a slow log-normal mood times heat that jumps and fades, so that
    wild minutes come together. The regime alternates between trends, which drift, and ranges, which pull
    prices back to where the range began.
    """

    __slots__ = ("_activity", "_heat", "_left", "_mood", "_rng", "drift", "pull", "turned", "vol")

    def __init__(self, rng: Random, activity: Sequence[float]) -> None:
        self._rng = rng
        self._activity = activity
        self._mood = rng.gauss(0, 0.3)
        self._heat = 0.0
        self._left = 0.0
        self.vol = 1.0
        """Multiplies the ordinary volatility of mid-morning."""
        self.drift = 0.0
        """Ordinary deviations per minute."""
        self.pull = 0.0
        """Share of the distance to the range's centre that is pulled back per minute."""
        self.turned = True
        """A new regime began with this step: it takes the present price for its centre."""

    def activity(self, minute: int) -> float:
        """How busy trading is, 1 in mid-morning of an ordinary day."""
        return self._activity[minute] * (1.0 + 0.5 * self._heat) * math.exp(0.4 * self._mood)

    def step(self, minutes: float, minute: int) -> None:
        """Let some time pass (minutes, at most about one) at a minute of the session."""
        rng = self._rng
        self._mood += -self._mood * minutes / 70 + 0.3 * math.sqrt(2 * minutes / 70) * rng.gauss(0, 1)
        self._heat *= 1 - minutes / 7
        if rng.random() < minutes / 100:
            self._heat += min(2.0, rng.expovariate(1.4))
        self._left -= minutes
        self.turned = self._left <= 0
        if self.turned:
            self._turn()
        gust = math.exp(0.35 * rng.gauss(0, 1))
        self.vol = math.sqrt(self._activity[minute]) * math.exp(self._mood) * (1.0 + self._heat) * gust

    def _turn(self) -> None:
        rng = self._rng
        self._left = 6 + rng.expovariate(1 / 18)
        lot = rng.random()
        if lot < 0.45:
            self.drift, self.pull = 0.0, 1 / 9
        else:
            self.drift, self.pull = (1 if lot < 0.725 else -1) * (0.06 + 0.18 * rng.random()), 0.0


class Fair:
    """The price that one family of contracts (a mini and its micro) revolves around, in ticks."""

    __slots__ = ("_centre", "deviation", "price")

    def __init__(self, price: float, deviation: float) -> None:
        self.price = price
        self.deviation = deviation
        """Ticks per square root of a minute in mid-morning of an ordinary day."""
        self._centre = price

    def move(self, weather: Weather, minutes: float, shock: float) -> None:
        """Let some minutes pass; `shock` is a standard normal number."""
        scale = self.deviation * weather.vol
        self.price += scale * (weather.drift * minutes + math.sqrt(minutes) * shock)
        if weather.pull:
            self.price -= (self.price - self._centre) * weather.pull * minutes

    def centre(self) -> None:
        """A new regime begins at the present price."""
        self._centre = self.price

    def reach(self, weather: Weather, before: float, chance: float, side: int) -> float:
        """The extreme of a minute between two known prices, drawn as of a Brownian bridge."""
        variance = (self.deviation * weather.vol) ** 2
        gap = self.price - before
        return (before + self.price + side * math.sqrt(gap * gap - 2 * variance * math.log(chance))) / 2
