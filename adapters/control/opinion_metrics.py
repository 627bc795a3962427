"""Metrics of the second opinion; absent where none is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from adapters.control.named_metric import NamedMetric, Sample, Scraped
from engine.model.opinion_events import PredictorState
from engine.model.view import OpinionView


def _opinion(read_one: Callable[[OpinionView], float | None]) -> Callable[[Scraped], Iterator[Sample]]:
    def read(seen: Scraped) -> Iterator[Sample]:
        value = None if seen.view.opinion is None else read_one(seen.view.opinion)
        if value is not None:
            yield (), float(value)

    return read


def _judged(name: str) -> Callable[[Scraped], Iterator[Sample]]:
    """Of the model that is asked, by the predictions whose outcome is known."""

    def read(seen: Scraped) -> Iterator[Sample]:
        told = seen.view.opinion
        if told is not None and told.record is not None and told.model is not None:
            yield (told.model.name,), float(getattr(told.record, name))

    return read


def _decided(seen: Scraped) -> Iterator[Sample]:
    if seen.view.opinion is not None:
        yield ("together",), float(seen.view.opinion.together)
        yield ("rules",), float(seen.view.opinion.alone)


def _moods(seen: Scraped) -> Iterator[Sample]:
    if seen.view.opinion is not None:
        yield from (((one.source, one.instrument), one.score) for one in seen.view.opinion.moods)


OPINION_FIGURES: tuple[NamedMetric, ...] = (
    NamedMetric(
        "tstream_model_ready",
        "1 while a model can be asked; absent where no second opinion is wanted.",
        _opinion(lambda one: one.state is PredictorState.READY),
    ),
    NamedMetric(
        "tstream_model_asked_total",
        "Questions to the model.",
        _opinion(lambda one: one.asked),
        counter=True,
    ),
    NamedMetric(
        "tstream_model_missing_total",
        "Those that no number came of in time.",
        _opinion(lambda one: one.missing),
        counter=True,
    ),
    NamedMetric(
        "tstream_model_answer_seconds",
        "How long its newest answers took, median.",
        _opinion(lambda one: None if one.answer_p50_ms is None else one.answer_p50_ms / 1000),
    ),
    NamedMetric(
        "tstream_model_outcomes",
        "Predictions of the model whose outcome is known.",
        _judged("count"),
        ("model",),
    ),
    NamedMetric(
        "tstream_model_calibration_error",
        "Mean distance between what it said and what came, 0 to 1.",
        _judged("calibration_error"),
        ("model",),
    ),
    NamedMetric(
        "tstream_model_brier",
        "Mean square of probability less outcome; a coin has 0.25.",
        _judged("brier"),
        ("model",),
    ),
    NamedMetric(
        "tstream_model_drift",
        "How far its error has risen, 1 is drift; it begins anew then.",
        _judged("drift"),
        ("model",),
    ),
    NamedMetric(
        "tstream_decisions", "Ideas decided with model or mood, and by the rules alone.", _decided, ("by",)
    ),
    NamedMetric("tstream_mood", "What a source of texts says, -1 to 1.", _moods, ("source", "contract")),
)
