"""The section [training] of tstream.toml: what a model is trained on, and when anew."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from engine.model.market import Timeframe
from engine.model.opinion import Barriers, ModelKind
from tstream.settings.alerts import Names
from tstream.settings.fields import MAY_BE_OFF, Number, Section, Whole, refuse, setting

_USUAL = Barriers()
JUDGED = tuple(one for one in Timeframe if not one.by_calendar)
"""Timeframes whose closes a model can judge."""


def _judged(timeframe: Timeframe) -> Timeframe:
    if timeframe not in JUDGED:
        raise refuse(f"must be one of {', '.join(JUDGED)}")
    return timeframe


class TrainingSettings(Section):
    """What `tstream train` does where its options say nothing, and whether an engine has models trained anew
    beside it, in a process of their own ([models](models.md#retraining)).
    """

    enabled: bool = setting(False, "Have models trained anew as long as an engine runs.")
    sources: Names = setting((), "Datasets to learn from, by their names.", allowed="a list of datasets")
    recordings: bool = setting(True, "Learn from what runs have recorded of the contracts too ([tape]).")
    days: Whole = setting(90, "Learn from so many of the newest days.", ge=1, le=36_500)
    model: ModelKind = setting(
        ModelKind.TREES,
        "What is trained: trees, or a deep model beside them, which is kept only where it is better "
        "([models](models.md#deep-models)).",
        allowed="trees, deep",
    )
    timeframe: Annotated[Timeframe, AfterValidator(_judged)] = setting(
        Timeframe.M5, "Whose closes a model judges.", allowed=", ".join(JUDGED)
    )
    stop_atr: Number = setting(_USUAL.stop_atr, "Distance of the stop, in ATR.", ge=0.25, le=10)
    target_r: Number = setting(_USUAL.target_r, "Distance of the target, in stops.", ge=0.25, le=10)
    bars: Whole = setting(_USUAL.bars, "After so many closes a trade is over.", ge=1, le=1_000)
    rules: str = setting(
        "patterns",
        "What a model is compared with: patterns, or the name of a strategy or a bot.",
        min_length=1,
        max_length=80,
    )
    retrain_hours: Whole = setting(24, "A model is trained anew after so long.", ge=1, le=8_760)
    retrain_error: Annotated[Number, Field(gt=0, le=0.25), MAY_BE_OFF] = setting(
        0.02,
        "Also when the Brier score of the predictions that came has risen by so much over that of the "
        "training; off: never.",
        allowed="a number above 0 and up to 0.25, or off",
    )
    retrain_on_drift: bool = setting(True, "Also when that error has drifted (Page-Hinkley).")
    memory_mb: Whole = setting(2_048, "What a training may take of memory, MB.", ge=256, le=1_000_000)

    @property
    def barriers(self) -> Barriers:
        """The question that a model answers."""
        return Barriers(self.stop_atr, self.target_r, self.bars)
