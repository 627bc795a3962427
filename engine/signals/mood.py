"""What texts think of an instrument, as a small state that forgets (docs/models.md#mood)."""

from __future__ import annotations

from math import isfinite

from msgspec import Struct

from engine.model.events import MoodTold
from engine.model.market import MINUTE

HALF_LIFE = 120 * MINUTE
"""After so long a telling counts half."""
SLOW_HALF_LIFE = 720 * MINUTE
"""Of the mean that the trend is told against."""
OVER = 10 * HALF_LIFE
"""A source that has been silent for so long is forgotten."""
MOST_SOURCES = 32
MOST_WEIGHT = 1000.0
MARKET = ""
"""Stands for the market as a whole: what is told of it counts for every instrument."""


class MoodReading(Struct, frozen=True):
    """At one moment."""

    score: float
    """-1 to 1."""
    trend: float
    """The score less its own mean over half a day."""
    weight: float
    """Of what counts: the tellings that are left, each by its weight."""


class SourceMood(Struct):
    """What one source says of one instrument."""

    source: str
    instrument: str
    ts: int = 0
    """Of its newest telling, nanoseconds UTC."""
    fast: float = 0.0
    weight: float = 0.0
    slow: float = 0.0
    slow_weight: float = 0.0

    def add(self, ts: int, score: float, weight: float) -> None:
        """Take a telling; one that comes out of order counts as of the newest."""
        ts = max(ts, self.ts)
        self._fade(ts)
        self.fast += score * weight
        self.weight += weight
        self.slow += score * weight
        self.slow_weight += weight

    def at(self, ts: int) -> tuple[float, float, float, float]:
        """Sum and weight, fast and slow, as faded by then."""
        age = max(0, ts - self.ts)
        fast, slow = 0.5 ** (age / HALF_LIFE), 0.5 ** (age / SLOW_HALF_LIFE)
        return self.fast * fast, self.weight * fast, self.slow * slow, self.slow_weight * slow

    def _fade(self, ts: int) -> None:
        self.fast, self.weight, self.slow, self.slow_weight = self.at(ts)
        self.ts = ts


class Moods:
    """Of all sources and instruments, bounded; causal: what is told later changes nothing earlier."""

    __slots__ = ("_known",)

    def __init__(self, known: dict[str, SourceMood] | None = None) -> None:
        """`known` is where they are kept: the fold's own table, which others add to as well."""
        self._known = {} if known is None else known

    def add(self, told: MoodTold) -> None:
        """Take a telling. Nonsense from outside counts for nothing."""
        if not (isfinite(told.score) and isfinite(told.weight)) or told.weight <= 0:
            return
        ts = min(told.ts_venue or told.ts_recv, told.ts_recv)
        score, weight = max(-1.0, min(1.0, told.score)), min(MOST_WEIGHT, told.weight)
        self.tell(told.source[:40], told.instrument, ts, score, weight)

    def tell(self, source: str, instrument: str, ts: int, score: float, weight: float) -> None:
        """Take what is known to make sense; who has been silent for too long by `ts` is forgotten."""
        key = f"{instrument} {source}"
        found = self._known.get(key)
        if found is None:
            for old in [one for one, kept in self._known.items() if ts - kept.ts > OVER]:
                del self._known[old]
            if len(self._known) >= MOST_SOURCES * 8:
                del self._known[min(self._known, key=lambda one: self._known[one].ts)]
            found = self._known[key] = SourceMood(source, instrument, ts=ts)
        found.add(ts, score, weight)

    def reading(self, instrument: str, ts: int) -> MoodReading | None:
        """Of all sources together; None where nothing has been told lately."""
        total = weight = slow_total = slow_weight = 0.0
        for one in self._known.values():
            if one.instrument not in (instrument, MARKET) or ts - one.ts > OVER:
                continue
            fast, heavy, slow, slow_heavy = one.at(ts)
            total, weight = total + fast, weight + heavy
            slow_total, slow_weight = slow_total + slow, slow_weight + slow_heavy
        if weight < 1e-6:
            return None
        score = total / weight
        return MoodReading(score, score - slow_total / slow_weight, weight)

    def by_source(self, ts: int) -> list[tuple[SourceMood, float, float]]:
        """(source, score, weight) of what counts now, by name."""
        found = []
        for key in sorted(self._known):
            one = self._known[key]
            total, weight, _, _ = one.at(ts)
            if ts - one.ts <= OVER and weight >= 1e-6:
                found.append((one, total / weight, weight))
        return found
