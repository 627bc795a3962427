"""What a score is made of, which requirements an entry meets, and the pattern behind it: data that goes with
an idea into the journal and the View, so that "why?" has an answer that nobody has to read out of sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from engine.model.market import Timeframe


class ScorePart(Struct, frozen=True):
    """One addend of a score out of ten."""

    name: str
    """A timeframe, "learned", or the symbol of a reference series."""
    points: float
    """What it adds, out of ten; below zero where it speaks against the trade."""
    weight_pct: int = 0
    """Of a timeframe: its share of the score."""
    direction: int = 0
    """Of a timeframe: +1 up, -1 down, 0 neither."""
    strength_pct: int = 0
    samples: int = 0
    """What was learnt from: so many finished patterns."""
    value: float | None = None
    """Expectancy in R of what was learned, correlation of a reference."""


class Requirement(StrEnum):
    """What an entry has to meet (docs/learning.md#entry-requirements)."""

    SCORE = "score"
    ALIGNMENT = "alignment"
    REWARD_TO_RISK = "reward_to_risk"
    VOLUME = "volume"
    TREND = "trend"
    REFERENCE = "reference"
    """The correlation filter, which is none of the five."""

    @property
    def number(self) -> int:
        """Its number among the five; 0 for what is none of them."""
        return _NUMBERS[self]


_NUMBERS = dict(zip(Requirement, (1, 2, 3, 4, 5, 0), strict=True))


class RequirementCheck(Struct, frozen=True):
    """One requirement at one moment."""

    requirement: Requirement
    passed: bool
    value: float | None = None
    """What there was: points, timeframes, reward over risk, volume over its mean, frames that point the other
    way, correlation. None where nothing is known yet.
    """
    least: float | None = None
    """What there must be; of `trend` the most there may be."""
    words: str = ""
    """What is missing, for people; empty where nothing is."""

    @property
    def text(self) -> str:
        """What is missing, with the number of the requirement."""
        number = self.requirement.number
        return f"{self.words} (requirement {number})" if number else self.words


def by_number(checks: Iterable[RequirementCheck]) -> list[RequirementCheck]:
    """As people read them: the five in their order, then the others."""
    return sorted(checks, key=lambda check: (not check.requirement.number, check.requirement.number))


def first_failed(checks: Iterable[RequirementCheck]) -> RequirementCheck | None:
    """The first requirement that is not met."""
    return next((check for check in checks if not check.passed), None)


class PatternSeen(Struct, frozen=True):
    """The pattern that an idea comes from, with the circumstances by which outcomes are told apart."""

    kind: str
    """As engine/signals calls it: "block_held"."""
    timeframe: Timeframe
    direction: int
    """+1 up, -1 down."""
    known_at: int
    """Close of the bar by which it was known, nanoseconds UTC."""
    price: int
    """Ticks."""
    regime: str = ""
    """How its timeframe's market was: "trending", "ranging", "volatile"; empty where nobody says."""
    hour: int = 0
    """Of the calendar's clock, 0 to 23."""
