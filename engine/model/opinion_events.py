"""What comes from outside about opinions: a model's answers, its worker, and the mood of texts."""

from __future__ import annotations

from enum import StrEnum

from engine.model.event import Event
from engine.model.opinion import ModelCard


class PredictorState(StrEnum):
    ABSENT = "absent"
    """There is no model."""
    READY = "ready"
    DOWN = "down"
    """Its worker hung, crashed or said nonsense, and is started again."""
    REFUSED = "refused"
    """The model does not fit this tstream, or LightGBM is not installed: a person has to change something."""


class PredictorTold(Event, frozen=True, kw_only=True, tag="predictor"):
    """The worker that asks the model is in another state, or asks another model from now on."""

    state: PredictorState
    detail: str = ""
    """What is wrong, in one line."""
    card: ModelCard | None = None
    """Of the model that is asked from now on; only with READY."""
    hash: str = ""
    """By which its predictions are known."""
    retrain_ts: int = 0
    """When it is too old and trained again, nanoseconds UTC; 0 where nobody does."""


class Predicted(Event, frozen=True, kw_only=True, gc=False, tag="predicted"):
    """The answer to an AskPrediction."""

    request: str
    hash: str
    """Of the model that has answered."""
    probability: float | None = None
    """Calibrated: of the target before the stop; None where no number came of it."""
    expected_r: float | None = None
    problem: str = ""
    """Why there is no number."""


class MoodTold(Event, frozen=True, kw_only=True, gc=False, tag="mood"):
    """What a source of texts thinks of an instrument now; `ts_venue` is when its newest text was written."""

    source: str
    """As the settings name it: "news"."""
    instrument: str
    """A symbol of the run; empty for the market as a whole."""
    score: float
    """-1 fall to 1 rise."""
    weight: float = 1.0
    """How much it counts beside others: texts, readers, the source's own weight."""


OpinionEvent = MoodTold | PredictorTold | Predicted
OPINIONS = MoodTold, PredictorTold, Predicted
"""All of them."""
