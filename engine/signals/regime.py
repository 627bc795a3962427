"""Which kind of market a timeframe is in: trending, ranging or volatile (docs/indicators.md#regime)."""

from __future__ import annotations

from enum import StrEnum

from engine.model.market import Bar
from engine.signals.atr import Atr
from engine.signals.indicators.averages import Sma
from engine.signals.indicators.trend import Adx

LENGTH = 14
REFERENCE = 50
"""Bars over which the ATR's own mean is taken."""
HOT, COOL = 1.5, 1.25
"""ATR over its mean: from here on it is volatile, and below here not any more."""
TREND, NO_TREND = 25.0, 20.0
"""ADX: from here on it trends, and below here not any more."""


class Regime(StrEnum):
    TRENDING = "trending"
    RANGING = "ranging"
    VOLATILE = "volatile"


class RegimeDetector:
    """Takes closed bars of one series; O(1) a bar. What it has called a market it calls so until that is
    clearly over, so that a figure at its threshold does not flicker.
    """

    __slots__ = ("_mean", "adx", "atr", "direction", "heat", "value")

    def __init__(self) -> None:
        self.atr, self.adx = Atr(LENGTH), Adx(LENGTH)
        self._mean = Sma(REFERENCE)
        self.value: Regime | None = None
        """None until there are as many bars as the reference has."""
        self.direction = 0
        """Where it trends, +1 or -1; 0 where it does not."""
        self.heat: float | None = None
        """ATR over its mean of the newest bars."""

    def add(self, bar: Bar) -> Regime | None:
        """Take a closed bar; gives the regime at it."""
        atr, adx = self.atr.add(bar), self.adx.add(bar)
        mean = self._mean.add(atr)
        if mean is None or adx is None:
            return None
        self.heat = atr / mean if mean else 1.0
        was = self.value
        if self.heat >= (COOL if was is Regime.VOLATILE else HOT):
            self.value = Regime.VOLATILE
        elif adx >= (NO_TREND if was is Regime.TRENDING else TREND):
            self.value = Regime.TRENDING
        else:
            self.value = Regime.RANGING
        self.direction = self._way() if self.value is Regime.TRENDING else 0
        return self.value

    def _way(self) -> int:
        rising, falling = self.adx.rising or 0.0, self.adx.falling or 0.0
        return (rising > falling) - (rising < falling)
