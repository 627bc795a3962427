"""The part of `apply` that is about opinions."""

from __future__ import annotations

from engine.model import records as r
from engine.model.decision import Counsel
from engine.signals.mood import Moods
from engine.state.opinions import MODELS_KEPT, OPEN_KEPT, RECENT_KEPT, Judged, PredictionTally
from engine.state.state import State


def predictor_changed(state: State, record: r.PredictorChanged) -> None:
    state.opinions.predictor = record


def mood_heard(state: State, record: r.MoodHeard) -> None:
    Moods(state.opinions.moods).tell(
        record.source, record.instrument, record.told_ts, record.score, record.weight
    )


def opinion_formed(state: State, record: r.OpinionFormed) -> None:
    known = state.opinions
    known.recent.append(Judged(record))
    del known.recent[:-RECENT_KEPT]
    if record.bot and record.opinion.counsel is not Counsel.WATCHED:
        if record.opinion.counsel is Counsel.ALONE:
            known.alone += 1
        else:
            known.together += 1
    if not record.stop_ticks:
        return
    tally = known.models.pop(record.hash, None) or PredictionTally(record.opinion.model)
    known.models[record.hash] = tally  # the newest last
    while len(known.models) > MODELS_KEPT:
        del known.models[next(iter(known.models))]
    known.waiting[record.opinion.id] = record
    while len(known.waiting) > OPEN_KEPT:
        del known.waiting[next(iter(known.waiting))]


def opinion_scored(state: State, record: r.OpinionScored) -> None:
    known = state.opinions
    formed = known.waiting.pop(record.id, None)
    if formed is None:
        return
    for judged in known.recent:
        if judged.formed.opinion.id == record.id:
            judged.scored = record
    said, tally = formed.opinion, known.models.get(formed.hash)
    if record.r is None or said.probability is None or tally is None:
        return
    hit = record.ended == "target"
    tally.add(said.probability, said.expected_r or 0.0, hit, record.r, record.ts)
