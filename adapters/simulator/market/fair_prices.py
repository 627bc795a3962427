"""What moves the generated market as a whole: three fair prices, two of them hand in hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from adapters.simulator.market.traits import DEVIATIONS, TRAITS, Traits
from adapters.simulator.market.volatility import INDEX_ACTIVITY, METAL_ACTIVITY, Fair, Weather

_INDEX_SHARE = math.sqrt(0.9)
"""Both indices take so much of their moves from the common shock: their correlation is 0.9."""
_OWN_SHARE = math.sqrt(0.1)
_METAL_SHARE = -0.15
_METAL = 2
_GAP = 3.5
"""A break's jump, in ordinary moves of a minute; a weekend's is no larger, so that no weekday differs."""


class Forces:
    """Fair prices of all families and the weather that they live in."""

    def __init__(self, rng: Random, prices: Sequence[float]) -> None:
        self._gauss = rng.gauss
        self._index = Weather(rng, INDEX_ACTIVITY)
        self._metal = Weather(rng, METAL_ACTIVITY)
        self.fairs = tuple(Fair(price, d) for price, d in zip(prices, DEVIATIONS, strict=True))
        self._members = tuple(
            tuple(traits for traits in TRAITS if traits.family == family) for family in range(len(prices))
        )

    def weather_of(self, family: int) -> Weather:
        return self._metal if family == _METAL else self._index

    def members(self, family: int) -> tuple[Traits, ...]:
        return self._members[family]

    def prices(self) -> tuple[float, ...]:
        return tuple(fair.price for fair in self.fairs)

    def step(self, minutes: float, minute: int) -> None:
        """Change the weather, for some time at a minute of the session."""
        for weather in (self._index, self._metal):
            weather.step(minutes, minute)
            if weather.turned:
                for family, fair in enumerate(self.fairs):
                    if self.weather_of(family) is weather:
                        fair.centre()

    def move(self, minutes: float) -> None:
        """Move all prices by some minutes of trading."""
        gauss = self._gauss
        common = gauss(0.0, 1.0)
        nasdaq, sp, gold = self.fairs
        nasdaq.move(self._index, minutes, _INDEX_SHARE * common + _OWN_SHARE * gauss(0.0, 1.0))
        sp.move(self._index, minutes, _INDEX_SHARE * common + _OWN_SHARE * gauss(0.0, 1.0))
        gold.move(self._metal, minutes, _METAL_SHARE * common + gauss(0.0, 1.0))

    def gap(self) -> None:
        """Reopen after a break at other prices."""
        common = self._gauss(0.0, 1.0)
        for family, fair in enumerate(self.fairs):
            share = _METAL_SHARE if family == _METAL else _INDEX_SHARE
            fair.price += fair.deviation * _GAP * (share * common + _OWN_SHARE * self._gauss(0.0, 1.0))
            fair.centre()
