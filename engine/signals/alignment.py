"""How far the timeframes agree: a weighted sum of their opinions
(docs/semantics.md#signals-without-hindsight).

score = sum of weight x direction x strength over 1m, 5m, 15m, 30m, 1h with weights 15/30/25/20/10, out of
ten. To trade, three frames must point the way of the sum and neither 30m nor 1h may point against it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from engine.model.market import Timeframe
from engine.signals.frame import Reading

WEIGHTS_PCT: dict[Timeframe, int] = {
    Timeframe.M1: 15,
    Timeframe.M5: 30,
    Timeframe.M15: 25,
    Timeframe.M30: 20,
    Timeframe.H1: 10,
}
VETO = (Timeframe.M30, Timeframe.H1)
"""Frames that may not point the other way."""
MIN_AGREEING = 3


class Alignment(Struct, frozen=True):
    """The sum over the timeframes of one instrument."""

    direction: int
    """+1 long, -1 short, 0 neither."""
    score_tenths: int
    """0 to 100: the score out of ten, times ten."""
    agreeing: int
    """Frames that point in `direction`."""
    opposing: tuple[Timeframe, ...]
    """Frames with a veto that point against it."""

    @property
    def objection(self) -> str:
        """Why nothing may be entered on it, or empty."""
        if self.direction == 0:
            return "no direction"
        if self.opposing:
            against = "down" if self.direction > 0 else "up"
            return f"{' and '.join(self.opposing)} point{'s' * (len(self.opposing) == 1)} {against}"
        if self.agreeing < MIN_AGREEING:
            return f"{self.agreeing} of {len(WEIGHTS_PCT)} timeframes"
        return ""


def align(readings: Mapping[Timeframe, Reading]) -> Alignment:
    """Sum the readings up; a frame that is missing says nothing."""
    total = sum(
        WEIGHTS_PCT[timeframe] * reading.direction * reading.strength
        for timeframe, reading in readings.items()
    )
    tenths = min(100, round(abs(total)))
    if tenths == 0:
        return Alignment(0, 0, 0, ())
    direction = 1 if total > 0 else -1
    return Alignment(
        direction,
        tenths,
        sum(reading.direction == direction for reading in readings.values()),
        tuple(frame for frame in VETO if frame in readings and readings[frame].direction == -direction),
    )
