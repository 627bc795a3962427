"""Volume-weighted mean price with deviation bands (docs/indicators.md#vwap). Prices in ticks."""

from __future__ import annotations

from math import sqrt

from engine.model.market import Bar


class Vwap:
    """Mean of the typical price (high + low + close) / 3 of closed bars, weighted by volume, since it was
    anchored; None until there was volume. Sums are of whole ticks and exact.
    """

    __slots__ = ("_squares", "_sum", "volume")

    def __init__(self) -> None:
        self.volume = 0
        """Contracts since the anchor."""
        self._sum = self._squares = 0

    def anchor(self) -> None:
        """Begin anew: what comes from now on counts."""
        self.volume = self._sum = self._squares = 0

    def add(self, bar: Bar) -> float | None:
        """Take a closed bar; gives the mean with it."""
        thrice, volume = bar.high + bar.low + bar.close, bar.volume
        self.volume += volume
        self._sum += thrice * volume
        self._squares += thrice * thrice * volume
        return self.value

    @property
    def value(self) -> float | None:
        return self._sum / (3 * self.volume) if self.volume else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation of price around the mean, weighted by volume, ticks."""
        volume = self.volume
        if not volume:
            return None
        return sqrt(self._squares * volume - self._sum * self._sum) / (3 * volume)

    def band(self, deviations: float) -> float | None:
        """So many deviations from the mean, below it where negative; ticks."""
        value, deviation = self.value, self.deviation
        return None if value is None or deviation is None else value + deviations * deviation
