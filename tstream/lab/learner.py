"""LightGBM as the learner of a training: the wall between the engine's lab and the adapter."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from adapters.models.train import Boosted, BoostedTrees
from engine.lab.training.examples import Examples
from engine.lab.training.rules import LearnerSetting


class Trees:
    """Fits to the examples that it was given. Raises FatalError where LightGBM is not installed."""

    def __init__(self, examples: Examples, seed: int) -> None:
        self._trees = BoostedTrees(examples.features, examples.width, examples.hits, seed)

    def fit(self, positions: Sequence[int], weights: Sequence[float], setting: LearnerSetting) -> Boosted:
        return self._trees.fit(positions, weights, **msgspec.structs.asdict(setting))

    def loaded(self, text: str) -> Boosted:
        """A kept model, asked about the same examples."""
        return self._trees.loaded(text)
