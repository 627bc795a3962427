"""How far the timeframes agree: a weighted sum of their opinions
(docs/semantics.md#signals-without-hindsight).

score = sum of weight x direction x strength over the timeframes, out of ten. To trade, so many frames must
point the way of the sum, and none of those with a veto may point against it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from engine.model.market import Timeframe
from engine.model.scores import Requirement, RequirementCheck, ScorePart
from engine.signals.frame import Reading


class AlignmentConfig(Struct, frozen=True):
    """How the timeframes are weighed. Hashable: a board keeps one answer for each."""

    weights: tuple[tuple[Timeframe, int], ...] = (
        (Timeframe.M1, 15),
        (Timeframe.M5, 30),
        (Timeframe.M15, 25),
        (Timeframe.M30, 20),
        (Timeframe.H1, 10),
    )
    """Per cent; together 100."""
    min_agreeing: int = 3
    veto: tuple[Timeframe, ...] = (Timeframe.M30, Timeframe.H1)
    """Frames that may not point the other way."""

    @property
    def timeframes(self) -> tuple[Timeframe, ...]:
        return tuple(timeframe for timeframe, _ in self.weights)


USUAL_ALIGNMENT = AlignmentConfig()
WEIGHTS_PCT: dict[Timeframe, int] = dict(USUAL_ALIGNMENT.weights)


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
    parts: tuple[ScorePart, ...] = ()
    """What each frame adds to the score."""
    of: int = 5
    """Frames that were asked."""
    min_agreeing: int = 3

    @property
    def objection(self) -> str:
        """Why nothing may be entered on it, or empty."""
        if self.direction == 0:
            return "no direction"
        return next((check.words for check in self.checks if not check.passed), "")

    @property
    def checks(self) -> tuple[RequirementCheck, RequirementCheck]:
        """The requirements that are about timeframes: no conflict, and enough that agree."""
        against = "down" if self.direction > 0 else "up"
        conflict = f"{' and '.join(self.opposing)} point{'s' * (len(self.opposing) == 1)} {against}"
        clear, enough = not self.opposing, self.agreeing >= self.min_agreeing
        few = f"{self.agreeing} of {self.of} timeframes"
        return (
            RequirementCheck(Requirement.TREND, clear, len(self.opposing), 0, "" if clear else conflict),
            RequirementCheck(
                Requirement.ALIGNMENT, enough, self.agreeing, self.min_agreeing, "" if enough else few
            ),
        )


def align(readings: Mapping[Timeframe, Reading], config: AlignmentConfig = USUAL_ALIGNMENT) -> Alignment:
    """Sum the readings up; a frame that is missing says nothing."""
    weighed = [
        (timeframe, weight, readings[timeframe])
        for timeframe, weight in config.weights
        if timeframe in readings
    ]
    of = len(config.weights)
    total = sum(weight * reading.direction * reading.strength for _, weight, reading in weighed)
    tenths = min(100, round(abs(total)))
    if tenths == 0:
        return Alignment(0, 0, 0, (), of=of, min_agreeing=config.min_agreeing)
    direction = 1 if total > 0 else -1
    return Alignment(
        direction,
        tenths,
        sum(reading.direction == direction for _, _, reading in weighed),
        tuple(f for f in config.veto if f in readings and readings[f].direction == -direction),
        tuple(
            ScorePart(
                timeframe,
                round(weight * reading.direction * direction * reading.strength / 10, 3),
                weight,
                reading.direction,
                round(reading.strength * 100),
            )
            for timeframe, weight, reading in weighed
        ),
        of,
        config.min_agreeing,
    )
