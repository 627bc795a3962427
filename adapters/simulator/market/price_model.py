"""What moves the generated market: the contracts' traits, the day's curve, volatility, regimes, fair prices.

A family of contracts (a mini and its micro) revolves around one fair price. Two of the three fair prices go
hand in hand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import NamedTuple

PRINTS_A_BURST = 1.7
"""Mean number of prints that one aggressive order makes."""
SIZE_A_PRINT = 2.1
"""Mean contracts of a print."""


class ContractTraits(NamedTuple):
    """One contract of the generated market. Rates are those of mid-morning (activity 1)."""

    symbol: str
    family: int
    """Index of the fair price that it shares with its mini or micro."""
    phase: float
    """Where its own grid lies against the family's price, ticks: micros differ from minis a little."""
    quotes: float
    """Quote updates per second, as captured on the live stream for the Nasdaq micro."""
    bursts: float
    """Trade messages per second; each carries one or more prints and moves the quote."""
    wide: float
    """Share of the time in which the spread is two ticks instead of one."""


TRAITS = (
    ContractTraits("MNQ", 0, 0.1, 42, 20, 0.25),
    ContractTraits("NQ", 0, 0.0, 30, 14, 0.25),
    ContractTraits("MES", 1, 0.1, 42, 20, 0.02),
    ContractTraits("ES", 1, 0.0, 32, 15, 0.01),
    ContractTraits("MGC", 2, 0.1, 4, 2, 0.15),
    ContractTraits("GC", 2, 0.0, 5, 2.5, 0.1),
)
LEADERS = ("NQ", "ES", "GC")
"""The contract that a family's price is read from, by family."""
OPENING = (118_000.0, 30_800.0, 41_000.0)
"""Where each family starts its first day, ticks: 29,500, 7,700 and 4,100."""
DEVIATIONS = (50.0, 9.3, 12.0)
"""Ordinary moves of each family, ticks per square root of a minute in mid-morning."""

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


class MarketConditions:
    """What the market is like just now: how wild, and whether it goes somewhere.

    Volatility is the day's curve times a slow log-normal level times clusters that jump up and fade, so that
    wild minutes come together. The regime alternates between trends, which drift, and ranges, which pull
    prices back to where the range began.
    """

    __slots__ = (
        "_activity",
        "_cluster",
        "_level",
        "_regime_left",
        "_rng",
        "drift",
        "pull",
        "regime_began",
        "volatility",
    )

    def __init__(self, rng: Random, activity: Sequence[float]) -> None:
        self._rng = rng
        self._activity = activity
        self._level = rng.gauss(0, 0.3)
        self._cluster = 0.0
        self._regime_left = 0.0
        self.volatility = 1.0
        """Multiplies the ordinary volatility of mid-morning."""
        self.drift = 0.0
        """Ordinary deviations per minute."""
        self.pull = 0.0
        """Share of the distance to the range's centre that is pulled back per minute."""
        self.regime_began = True
        """A new regime began with this step: it takes the present price for its centre."""

    def activity(self, minute: int) -> float:
        """How busy trading is, 1 in mid-morning of an ordinary day."""
        return self._activity[minute] * (1.0 + 0.5 * self._cluster) * math.exp(0.4 * self._level)

    def step(self, minutes: float, minute: int) -> None:
        """Let some time pass (minutes, at most about one) at a minute of the session."""
        rng = self._rng
        self._level += -self._level * minutes / 70 + 0.3 * math.sqrt(2 * minutes / 70) * rng.gauss(0, 1)
        self._cluster *= 1 - minutes / 7
        if rng.random() < minutes / 100:
            self._cluster += min(2.0, rng.expovariate(1.4))
        self._regime_left -= minutes
        self.regime_began = self._regime_left <= 0
        if self.regime_began:
            self._begin_regime()
        noise = math.exp(0.35 * rng.gauss(0, 1))
        self.volatility = (
            math.sqrt(self._activity[minute]) * math.exp(self._level) * (1.0 + self._cluster) * noise
        )

    def _begin_regime(self) -> None:
        rng = self._rng
        self._regime_left = 6 + rng.expovariate(1 / 18)
        drawn = rng.random()
        if drawn < 0.45:
            self.drift, self.pull = 0.0, 1 / 9
        else:
            self.drift, self.pull = (1 if drawn < 0.725 else -1) * (0.06 + 0.18 * rng.random()), 0.0


class FairPrice:
    """The price that one family of contracts (a mini and its micro) revolves around, in ticks."""

    __slots__ = ("_centre", "deviation", "price")

    def __init__(self, price: float, deviation: float) -> None:
        self.price = price
        self.deviation = deviation
        """Ticks per square root of a minute in mid-morning of an ordinary day."""
        self._centre = price

    def move(self, conditions: MarketConditions, minutes: float, shock: float) -> None:
        """Let some minutes pass; `shock` is a standard normal number."""
        scale = self.deviation * conditions.volatility
        self.price += scale * (conditions.drift * minutes + math.sqrt(minutes) * shock)
        if conditions.pull:
            self.price -= (self.price - self._centre) * conditions.pull * minutes

    def centre(self) -> None:
        """A new regime begins at the present price."""
        self._centre = self.price

    def reach(self, conditions: MarketConditions, before: float, chance: float, side: int) -> float:
        """The extreme of a minute between two known prices, drawn as of a Brownian bridge."""
        variance = (self.deviation * conditions.volatility) ** 2
        gap = self.price - before
        return (before + self.price + side * math.sqrt(gap * gap - 2 * variance * math.log(chance))) / 2


_INDEX_SHARE = math.sqrt(0.9)
"""Both indices take so much of their moves from the common shock: their correlation is 0.9."""
_OWN_SHARE = math.sqrt(0.1)
_METAL_SHARE = -0.15
_METAL = 2
_GAP = 3.5
"""A break's jump, in ordinary moves of a minute; a weekend's is no larger, so that no weekday differs."""


class FairPrices:
    """Fair prices of all families and the market's conditions."""

    def __init__(self, rng: Random, prices: Sequence[float]) -> None:
        self._gauss = rng.gauss
        self._index = MarketConditions(rng, INDEX_ACTIVITY)
        self._metal = MarketConditions(rng, METAL_ACTIVITY)
        self.families = tuple(FairPrice(price, d) for price, d in zip(prices, DEVIATIONS, strict=True))
        self._members = tuple(
            tuple(traits for traits in TRAITS if traits.family == family) for family in range(len(prices))
        )

    def conditions_of(self, family: int) -> MarketConditions:
        return self._metal if family == _METAL else self._index

    def members(self, family: int) -> tuple[ContractTraits, ...]:
        return self._members[family]

    def prices(self) -> tuple[float, ...]:
        return tuple(fair.price for fair in self.families)

    def step(self, minutes: float, minute: int) -> None:
        """Let conditions change, for some minutes at a minute of the session."""
        for conditions in (self._index, self._metal):
            conditions.step(minutes, minute)
            if conditions.regime_began:
                for family, fair in enumerate(self.families):
                    if self.conditions_of(family) is conditions:
                        fair.centre()

    def move(self, minutes: float) -> None:
        """Move all prices by some minutes of trading."""
        gauss = self._gauss
        common = gauss(0.0, 1.0)
        nasdaq, sp, gold = self.families
        nasdaq.move(self._index, minutes, _INDEX_SHARE * common + _OWN_SHARE * gauss(0.0, 1.0))
        sp.move(self._index, minutes, _INDEX_SHARE * common + _OWN_SHARE * gauss(0.0, 1.0))
        gold.move(self._metal, minutes, _METAL_SHARE * common + gauss(0.0, 1.0))

    def gap(self) -> None:
        """Reopen after a break at other prices."""
        common = self._gauss(0.0, 1.0)
        for family, fair in enumerate(self.families):
            share = _METAL_SHARE if family == _METAL else _INDEX_SHARE
            fair.price += fair.deviation * _GAP * (share * common + _OWN_SHARE * self._gauss(0.0, 1.0))
            fair.centre()
