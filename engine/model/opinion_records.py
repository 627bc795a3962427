"""What the journal holds of opinions: who was asked, what came of it, and how right that was."""

from __future__ import annotations

from engine.model.decision import Opinion
from engine.model.market import Side, Timeframe
from engine.model.opinion import ModelCard
from engine.model.opinion_events import PredictorState
from engine.model.run_records import Record


class PredictorChanged(Record, frozen=True, kw_only=True, tag="predictor_changed"):
    """Another model is asked from now on, or none can be."""

    state: PredictorState
    detail: str = ""
    card: ModelCard | None = None
    hash: str = ""
    retrain_ts: int = 0


class MoodHeard(Record, frozen=True, kw_only=True, tag="mood_heard"):
    """What a source of texts has said of an instrument; tellings of one minute are one record."""

    source: str
    """As the settings name it."""
    instrument: str
    """Empty: the market as a whole."""
    score: float
    """-1 fall to 1 rise."""
    weight: float
    told_ts: int
    """When the newest of the texts was written, nanoseconds UTC."""


class OpinionFormed(Record, frozen=True, kw_only=True, tag="opinion_formed"):
    """Rules, model and mood were heard about a trade that a bot wants, or about one that nobody wants."""

    opinion: Opinion
    instrument: str
    side: Side
    closed_ts: int
    """Close of the bar that it is about, nanoseconds UTC."""
    bot: str = ""
    """Whose idea it is; empty where it is nobody's."""
    score_tenths: int | None = None
    hash: str = ""
    """Of the model that has answered; empty where none has."""
    samples: int = 0
    """Rows that the model was trained on."""
    timeframe: Timeframe = Timeframe.M5
    contract: str = ""
    """Id of the month that it is about."""
    reference: int = 0
    """Close of the newest minute and a tick of slippage: from here the model's barriers are counted."""
    stop_ticks: int = 0
    """Distance of its stop; 0 where nothing is to be found out."""
    target_ticks: int = 0
    until_ts: int = 0
    """When it is over in any case, nanoseconds UTC."""
    answer_ns: int = 0
    """How long the answer took by the core's time."""


class OpinionScored(Record, frozen=True, kw_only=True, tag="opinion_scored"):
    """What a prediction came to by the barriers that it was about."""

    id: str
    ended: str
    """target, stop, time; unknown where the market was not heard all the while."""
    r: float | None = None
    """Net of costs, in units of the model's stop; None where that is unknown."""
