"""Words for what becomes of the model; each opinion's own are on the signal that it belongs to."""

from __future__ import annotations

from engine.model import records as r
from engine.model.notices import NoticeKind as K
from engine.model.notices import Severity as Sev
from engine.model.opinion_events import PredictorState
from engine.state.state import State


def predictor_changed(state: State, record: r.PredictorChanged) -> tuple[K, Sev, str, None, None]:
    if record.state is PredictorState.READY and record.card is not None:
        text = f"model {record.card.name} ({record.hash[:8]}) is asked from now on"
        return K.SIGNAL, Sev.INFO, text, None, None
    if record.state is PredictorState.ABSENT:
        return K.SIGNAL, Sev.INFO, f"no model: {record.detail or 'the rules decide alone'}", None, None
    why = record.detail or "it gives no answers"
    if record.state is PredictorState.DOWN:
        text = f"the model's worker failed: {why}; the rules decide alone until it is back"
    else:
        text = f"{why}; the rules decide alone"
    return K.RISK, Sev.WARNING, text, None, None
