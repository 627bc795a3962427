"""What the worker is told: a model to load, and questions to it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from adapters.models.files import ModelFile
from adapters.models.worker import LoadModel, ModelQuestion
from engine.model.effects import AskPrediction


def load_of(model: ModelFile, features: int) -> LoadModel:
    """The first line: a model of either kind, of so many features."""
    return LoadModel("", features, model.body) if model.deep else LoadModel(model.text, features)


def question_of(asked: AskPrediction) -> ModelQuestion:
    """A question of the core."""
    past = [_known(row) for row in asked.past]
    return ModelQuestion(asked.request, _known(asked.features), past, asked.instrument)


def _known(features: Sequence[float]) -> list[float | None]:
    """As JSON can say it."""
    return [one if isfinite(one) else None for one in features]
