"""What people see of the second opinion: the model, how right it is, its newest words, the mood of texts."""

from __future__ import annotations

from msgspec import Struct

from engine.model.decision import Counsel, OpinionUse
from engine.model.market import Side, Timeframe
from engine.model.opinion_events import PredictorState


class ReliabilityBin(Struct, frozen=True):
    """Predictions of about the same probability, and how many of them came true."""

    said: float
    """Mean probability."""
    came: float
    """Share that reached the target."""
    count: int


class ModelRecord(Struct, frozen=True):
    """How right the model was since it has been asked, by predictions whose outcome is known."""

    count: int
    hits: int
    said: float
    """Mean probability."""
    brier: float
    """Mean square of probability less outcome; 0.25 is that of a coin."""
    calibration_error: float
    """Mean distance between what was said and what came, by tenths."""
    expected_r: float
    """Mean of what was promised, R."""
    mean_r: float
    """Mean of what came, R net of costs."""
    bins: tuple[ReliabilityBin, ...] = ()
    drift: float = 0.0
    """0 to 1, where its error has risen (Page-Hinkley)."""
    drifted_ts: int = 0
    """When that was last so; 0: never."""


class ModelView(Struct, frozen=True):
    """The model that is asked. Times are nanoseconds UTC."""

    name: str
    hash: str
    timeframe: Timeframe
    stop_atr: float
    target_r: float
    bars: int
    rows: int
    trained_from: int
    trained_to: int
    created_ts: int
    instruments: tuple[str, ...] = ()
    """Those that it knows; empty: any."""
    metrics: dict[str, float | None] = {}
    """Out of sample, by its training."""
    verdict: str = ""
    looks_at: tuple[tuple[str, float], ...] = ()
    """Features and their shares of all, the largest first."""
    looks_back: tuple[float, ...] = ()
    """Of a deep model: the share of each close, the newest first."""


class PredictionView(Struct, frozen=True):
    """One opinion, and what came of its prediction."""

    id: str
    ts: int
    instrument: str
    side: Side
    counsel: Counsel
    bot: str = ""
    """Whose idea it was; empty: nobody's."""
    score_tenths: int | None = None
    probability: float | None = None
    expected_r: float | None = None
    confidence: float | None = None
    missing: str = ""
    """Why the model has not spoken."""
    ended: str = ""
    """target, stop, time, unknown; empty while it runs, and where nothing was predicted."""
    r: float | None = None


class MoodView(Struct, frozen=True):
    """What one source of texts says of one instrument now."""

    source: str
    instrument: str
    """Empty: the market as a whole."""
    score: float
    """-1 to 1, newer tellings counting more."""
    weight: float
    """Of what is left of its tellings."""
    ts: int
    """Of its newest one."""


class OpinionView(Struct, frozen=True):
    """Only where a second opinion is wanted."""

    use: OpinionUse
    state: PredictorState = PredictorState.ABSENT
    detail: str = ""
    """What is wrong with the model or its worker."""
    model: ModelView | None = None
    retrain_ts: int = 0
    """When the model is too old and trained again; 0 where nobody does."""
    least_confidence: float = 0.0
    asked: int = 0
    """Questions to the model in this run."""
    missing: int = 0
    """Those of them that no number came of."""
    answer_p50_ms: float | None = None
    """By the core's time."""
    together: int = 0
    """Ideas that were decided with the model or mood, in all runs of the journal."""
    alone: int = 0
    """Those that the rules have decided alone."""
    record: ModelRecord | None = None
    """None before the first outcome."""
    waiting: int = 0
    """Predictions whose outcome is not known yet."""
    recent: tuple[PredictionView, ...] = ()
    """The newest, oldest first."""
    moods: tuple[MoodView, ...] = ()
