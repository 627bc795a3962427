"""The second opinion as people see it: made of the fold, and of what this run has asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.model.decision import OpinionConfig, OpinionUse
from engine.model.market import NANOS
from engine.model.opinion import MOST_WINDOW, ModelCard
from engine.model.opinion_events import PredictorState
from engine.model.view_opinion import (
    ModelRecord,
    ModelView,
    MoodView,
    OpinionView,
    PredictionView,
    ReliabilityBin,
)
from engine.signals.mood import Moods
from engine.state.opinions import Judged, PredictionTally
from engine.state.state import State
from engine.state.turn import Turn

RECENT_SHOWN = 15
MOODS_SHOWN = 24
LOOKS_SHOWN = 6
"""Features that a model looks at."""
MOODS_NS = 10 * NANOS
"""They fade; so often that is seen."""


class AskedSoFar(NamedTuple):
    """What this run has asked."""

    config: OpinionConfig
    asked: int
    missing: int
    answers_ns: Sequence[int]


class OpinionPictures:
    """Keeps the picture of before for as long as nothing in it can have changed."""

    def __init__(self, turn: Turn, moods: Moods) -> None:
        self._turn = turn
        self._all_moods = moods
        self._as_of: tuple[int, int, int, int] | None = None
        self._kept: OpinionView | None = None

    def view(self, so_far: AskedSoFar) -> OpinionView | None:
        """None where no second opinion is wanted."""
        if so_far.config.use is OpinionUse.OFF:
            return None
        turn = self._turn
        as_of = turn.committed, so_far.asked, so_far.missing, turn.wall // MOODS_NS
        if self._kept is None or self._as_of != as_of:
            moods = _moods(self._all_moods, turn.wall)
            self._as_of, self._kept = as_of, _view(turn.state, so_far, moods)
        return self._kept


def _view(state: State, so_far: AskedSoFar, moods: tuple[MoodView, ...]) -> OpinionView:
    known, times = state.opinions, sorted(so_far.answers_ns)
    told = known.predictor
    tally = None if told is None else known.models.get(told.hash)
    return OpinionView(
        use=so_far.config.use,
        state=PredictorState.ABSENT if told is None else told.state,
        detail="its worker has not started yet" if told is None else told.detail,
        model=None if told is None or told.card is None else model_view(told.card, told.hash),
        retrain_ts=0 if told is None else told.retrain_ts,
        least_confidence=so_far.config.least_confidence,
        asked=so_far.asked,
        missing=so_far.missing,
        answer_p50_ms=round(times[len(times) // 2] / 1e6, 2) if times else None,
        together=known.together,
        alone=known.alone,
        record=None if tally is None else _record(tally),
        waiting=len(known.waiting),
        recent=tuple(_prediction(one) for one in known.recent[-RECENT_SHOWN:]),
        moods=moods,
    )


def model_view(card: ModelCard, digest: str) -> ModelView:
    return ModelView(
        card.name,
        digest,
        card.timeframe,
        card.barriers.stop_atr,
        card.barriers.target_r,
        card.barriers.bars,
        card.rows,
        card.trained_from,
        card.trained_to,
        card.created_ts,
        card.instruments,
        dict(list(card.metrics.items())[:20]),
        card.verdict,
        card.looks_at[:LOOKS_SHOWN],
        card.looks_back[:MOST_WINDOW],
    )


def _record(tally: PredictionTally) -> ModelRecord | None:
    count = tally.count
    if not count or tally.brier is None or tally.calibration_error is None:
        return None
    return ModelRecord(
        count,
        tally.hits,
        round(tally.said / count, 4),
        round(tally.brier, 4),
        round(tally.calibration_error, 4),
        round(tally.expected_r / count, 4),
        round(tally.r / count, 4),
        tuple(
            ReliabilityBin(round(one.said / one.count, 3), round(one.hits / one.count, 3), one.count)
            for one in tally.bins
            if one.count
        ),
        round(tally.drift.level, 3),
        tally.drifted_ts,
    )


def _prediction(judged: Judged) -> PredictionView:
    formed, scored = judged.formed, judged.scored
    told = formed.opinion
    return PredictionView(
        told.id,
        formed.ts,
        formed.instrument,
        formed.side,
        told.counsel,
        formed.bot,
        formed.score_tenths,
        told.probability,
        told.expected_r,
        told.confidence,
        told.missing,
        "" if scored is None else scored.ended,
        None if scored is None else scored.r,
    )


def _moods(moods: Moods, wall: int) -> tuple[MoodView, ...]:
    return tuple(
        MoodView(one.source, one.instrument, round(score, 3), round(weight, 2), one.ts)
        for one, score, weight in moods.by_source(wall)[:MOODS_SHOWN]
    )
