"""What the journal holds of signals that were no trade, and of how patterns ended."""

from __future__ import annotations

from engine.model.market import Side
from engine.model.run_records import Record
from engine.model.scores import PatternSeen, RequirementCheck, ScorePart


class IdeaDeclined(Record, frozen=True, kw_only=True, tag="idea_declined"):
    """Something was nearly an idea. What the gate refuses is another record."""

    strategy: str
    bot: str
    instrument: str
    side: Side
    score_tenths: int
    reason: str
    closed_ts: int
    """Close of the bar that nearly gave it, nanoseconds UTC."""
    parts: tuple[ScorePart, ...] = ()
    checks: tuple[RequirementCheck, ...] = ()
    pattern: PatternSeen | None = None


class PatternEnded(Record, frozen=True, kw_only=True, tag="pattern_ended"):
    """A trade that a pattern led to is over. R is in units of what its contracts risked at their first stops,
    net of costs.
    """

    book: str
    plan_id: str
    instrument: str
    pattern: PatternSeen
    r: float
    mae_r: float | None = None
    """Worst open result; None where trades stood beside each other, as excursions are a position's."""
    mfe_r: float | None = None
