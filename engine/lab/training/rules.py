"""How a model is trained and what it must show (docs/models.md#no-better-than-the-rules)."""

from __future__ import annotations

from msgspec import Struct

from engine.model.market import Timeframe
from engine.model.opinion import Barriers


class LearnerSetting(Struct, frozen=True):
    """How free a learner is: what is tried."""

    leaves: int
    """Of a tree, at most."""
    trees: int
    rate: float
    """How much of each tree counts."""
    least_share: float
    """Share of the rows that a leaf must hold."""


SETTINGS = (
    LearnerSetting(leaves=4, trees=120, rate=0.04, least_share=0.02),
    LearnerSetting(leaves=8, trees=120, rate=0.04, least_share=0.01),
    LearnerSetting(leaves=16, trees=160, rate=0.03, least_share=0.005),
)


class DeepSetting(Struct, frozen=True):
    """How free a deep learner is."""

    hidden: int
    """Numbers that it keeps of a close."""
    passes: int
    """Over everything that it is fitted to."""
    rate: float
    dropout: float
    """Share of the numbers between that are left out at each step, 0..1."""


DEEP_SETTINGS = (
    DeepSetting(hidden=8, passes=6, rate=0.02, dropout=0.2),
    DeepSetting(hidden=16, passes=12, rate=0.02, dropout=0.1),
)

AnySetting = LearnerSetting | DeepSetting


class TrainingRules(Struct, frozen=True):
    """How examples are made, split and judged."""

    timeframe: Timeframe = Timeframe.M5
    barriers: Barriers = Barriers()
    settings: tuple[AnySetting, ...] = SETTINGS
    margins_r: tuple[float, ...] = (0.0, 0.05, 0.1)
    """What a trade must promise to be taken, R net of costs; the first is what is used, the others are trials
    that the deflated Sharpe ratio counts.
    """
    trials_before: int = 0
    """Of another learner on the same examples: they count as trials of this one too."""
    deep_settings: tuple[DeepSetting, ...] = DEEP_SETTINGS
    """Where a deep model is trained beside."""
    folds: int = 5
    first_share: float = 0.4
    """Of the time: what is only learned from."""
    held_out_share: float = 0.25
    """Of what is known at each fold: what calibrates."""
    error_rate: float = 0.05
    """How often a whole training may call noise an edge, 0..1."""
    least_trades: int = 30
    """That the model takes out of sample."""
    most_calibration_error: float = 0.05
    slices: int = 8
    """Of the cross-validation; an even number."""
    costs: bool = True

    @property
    def span_ns(self) -> int:
        """What an outcome can last, nanoseconds; the embargo is as long."""
        return self.barriers.bars * self.timeframe.nanos
