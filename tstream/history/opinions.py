"""Rows of what rules, model and mood have said: one of the decision, and one of the model's prediction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.model import records as r
from engine.model.history import HistoryRow, KeptDecision, KeptPrediction, When
from tstream.history.rows import side_word


def opinion_rows(
    journal: str, seq: int, formed: r.OpinionFormed, scored: r.OpinionScored | None
) -> Iterator[HistoryRow]:
    """As of record `seq`; an opinion is of no one book."""
    told = formed.opinion
    stamp: dict[str, Any] = {"journal": journal, "book": "", "seq": seq, "timestamp": When(formed.ts)}
    said = {part.name: part.value for part in told.parts}
    actual = None if scored is None else scored.r
    error = None if actual is None or told.expected_r is None else told.expected_r - actual
    yield KeptDecision(
        **stamp,
        id=told.id,
        symbol=formed.instrument,
        side=side_word(formed.side),
        bot=formed.bot,
        counsel=told.counsel.value,
        rules=said.get("rules"),
        model=said.get("model"),
        mood=said.get("mood"),
        confidence=told.confidence,
        least_confidence=told.least,
        model_name=told.model,
        probability=told.probability,
        expected_r=told.expected_r,
        missing=told.missing,
        ended="" if scored is None else scored.ended,
        actual=actual,
        error=error,
    )
    if told.expected_r is not None:
        yield KeptPrediction(
            **stamp,
            plan_id=told.id,
            model_name=told.model,
            symbol=formed.instrument,
            prediction=told.expected_r,
            confidence=told.probability,
            samples=formed.samples,
            actual=actual,
            error=error,
        )
