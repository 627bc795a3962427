"""LightGBM and the deep model as learners of a training: between the engine's lab and the adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from adapters.models.deep.learner import DeepModel, DeepNets, DeepTable
from adapters.models.files import ModelFile
from adapters.models.train import Boosted, BoostedTrees
from engine.lab.training.examples import Examples
from engine.lab.training.rules import AnySetting, DeepSetting, LearnerSetting


class KeptModel(Protocol):
    """A kept model that is asked about examples."""

    def raw(self, positions: Sequence[int]) -> Sequence[float]: ...


class Trees:
    """Fits to the examples that it was given. Raises FatalError where LightGBM is not installed."""

    def __init__(self, examples: Examples, seed: int) -> None:
        self._trees = BoostedTrees(examples.features, examples.width, examples.hits, seed)

    def fit(self, positions: Sequence[int], weights: Sequence[float], setting: AnySetting) -> Boosted:
        assert isinstance(setting, LearnerSetting)
        return self._trees.fit(positions, weights, **msgspec.structs.asdict(setting))

    def loaded(self, text: str) -> Boosted:
        """A kept model, asked about the same examples."""
        return self._trees.loaded(text)


class Nets:
    """Fits networks to the examples that it was given, with the closes before them. Raises FatalError where
    torch is not installed.
    """

    def __init__(self, examples: Examples, seed: int) -> None:
        names = [one.instrument for one in examples.listed]
        table = DeepTable(examples.features, examples.aside, examples.pasts, examples.width, names)
        self._nets = DeepNets(table, examples.hits, examples.results, seed)

    def fit(self, positions: Sequence[int], weights: Sequence[float], setting: AnySetting) -> DeepModel:
        assert isinstance(setting, DeepSetting)
        return self._nets.fit(positions, weights, **msgspec.structs.asdict(setting))

    def loaded(self, body: bytes) -> DeepModel:
        """A kept model, asked about the same examples."""
        return self._nets.loaded(body)


def asked_of(kept: ModelFile, examples: Examples, seed: int) -> KeptModel:
    """A kept model of either kind, asked about these examples. Raises FatalError where it can't be."""
    if kept.deep:
        return Nets(examples, seed).loaded(kept.body)
    return Trees(examples, seed).loaded(kept.text)
