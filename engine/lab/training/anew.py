"""When a model is trained anew: by its age, by its error, by drift (docs/models.md#retraining)."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from engine.model.market import MINUTE
from engine.model.opinion import ModelCard

LEAST_KNOWN = 100
"""Outcomes of predictions from which on their mean error says something."""
LEAST_WAIT_NS = 240 * MINUTE
"""After a training whose reason was an error: the next one sees hardly anything new before."""
HOUR_NS = 60 * MINUTE


class ModelTally(Protocol):
    """What came of one model's predictions."""

    count: int
    """Those whose outcome is known."""
    drifted_ts: int
    """When their error was last found to have risen, nanoseconds UTC; 0 for never."""

    @property
    def brier(self) -> float | None: ...


class Anew(Struct, frozen=True):
    """When there is reason to train."""

    hours: int
    """After so long in any case."""
    error: float
    """By so much the Brier score of what came may be above that of the training; 0: by anything."""
    on_drift: bool


def why_anew(card: ModelCard | None, tally: ModelTally | None, last_ts: int, now: int, rules: Anew) -> str:
    """Why to train now, for people; empty where there is no reason.

    `card` is that of the champion and `tally` what came of its predictions, None where there is none.
    `last_ts` is when something was trained last, 0 for never. Times are nanoseconds UTC of one clock.
    """
    age = now - last_ts
    if not last_ts:
        return "nothing has been trained yet"
    if age >= rules.hours * HOUR_NS:
        return f"the last training is {age // HOUR_NS} h old"
    if card is None or tally is None or age < LEAST_WAIT_NS:
        return ""
    if rules.on_drift and tally.drifted_ts > last_ts:
        return "the error of its predictions has drifted"
    trained, came = card.metrics.get("brier"), tally.brier
    if rules.error and trained is not None and came is not None and tally.count >= LEAST_KNOWN:
        risen = came - trained
        if risen > rules.error:
            return (
                f"the Brier score of {tally.count:,} predictions is {came:.4f}, {risen:.4f} above that of the"
                " training"
            )
    return ""
