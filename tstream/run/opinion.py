"""The model beside a run, where the settings want one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.decision import OpinionUse
from engine.model.market import MINUTE
from engine.ports import Clock, Predictor
from engine.signals.features import HASH, NAMES
from tstream.convert.opinion import opinion_config
from tstream.paths import Paths
from tstream.settings.model import Settings

if TYPE_CHECKING:
    from pathlib import Path


def predictor(settings: Settings, paths: Paths, clock: Clock) -> Predictor | None:
    """Who asks the champion of this installation; None where nobody is to be asked."""
    if opinion_config(settings).use is OpinionUse.OFF:
        return None
    from adapters.models.files import champion
    from adapters.models.predictor import WorkerPredictor

    def find() -> Path | None:
        return champion(paths.models)

    own = settings.training
    retrain_ns = own.retrain_hours * 60 * MINUTE if own.enabled else 0
    return WorkerPredictor(find, HASH, len(NAMES), clock, retrain_ns=retrain_ns)
