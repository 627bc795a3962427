"""LightGBM behind the face of a learner: fitted to examples, written as its own text (docs/models.md).

Seeded, on one thread: the same examples give the same text, byte for byte.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from engine.model.errors import FatalError

MISSING = "LightGBM is not installed: pip install 'tstream[models]'"


def library() -> Any:
    """LightGBM, which is imported only where it is needed. Raises FatalError with what to do where it is not
    installed.
    """
    try:
        import lightgbm
    except (ImportError, OSError) as error:  # OSError: a library of the system that it needs, libgomp
        raise FatalError(f"{MISSING} ({error})") from None
    return lightgbm


class Boosted:
    """A model in memory."""

    def __init__(self, booster: Any, table: Any) -> None:
        self._booster, self._table = booster, table

    def raw(self, positions: Sequence[int]) -> list[float]:
        """Its outputs for rows of the learner's table, 0..1; they are no probabilities before they are
        calibrated.
        """
        if not positions:
            return []
        found: list[float] = self._booster.predict(self._table[list(positions)], num_threads=1).tolist()
        return found

    def body(self) -> str:
        """LightGBM's own format."""
        written: str = self._booster.model_to_string()
        return written

    def importance(self, names: Sequence[str]) -> list[tuple[str, float]]:
        """Features and what each has brought, a share of all, the largest first; they add up to 1."""
        gains = self._booster.feature_importance(importance_type="gain").tolist()
        whole = sum(gains) or 1.0
        return sorted(
            ((name, gain / whole) for name, gain in zip(names, gains, strict=True)),
            key=lambda pair: (-pair[1], pair[0]),
        )


class BoostedTrees:
    """Fits LightGBM to rows of one table. Raises FatalError where LightGBM is not installed."""

    def __init__(self, features: array[float], width: int, hits: Sequence[bool], seed: int) -> None:
        """`features` are the rows one after the other, `width` numbers each; it is not copied."""
        self._lightgbm = library()
        import numpy

        self._table = numpy.frombuffer(features, dtype=numpy.float64).reshape(-1, width)
        self._hits = numpy.asarray(hits, dtype=numpy.float64)
        self._numpy, self._seed = numpy, seed

    def fit(
        self,
        positions: Sequence[int],
        weights: Sequence[float],
        *,
        leaves: int,
        trees: int,
        rate: float,
        least_share: float,
    ) -> Boosted:
        """A model of these rows; `weights` are theirs, in the same order. Raises FatalError, MemoryError."""
        chosen = list(positions)
        data = self._lightgbm.Dataset(
            self._table[chosen],
            self._hits[chosen],
            weight=self._numpy.asarray(weights),
            params={"verbose": -1, "max_bin": 63, "num_threads": 1},
            free_raw_data=True,
        )
        how = {
            "objective": "binary",
            "num_leaves": leaves,
            "learning_rate": rate,
            "min_data_in_leaf": max(20, round(least_share * len(chosen))),
            "feature_fraction": 0.5,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 5.0,
            "max_bin": 63,
            "seed": self._seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbose": -1,
        }
        try:
            booster = self._lightgbm.train(how, data, num_boost_round=trees)
        except self._lightgbm.basic.LightGBMError as error:
            if "bad_alloc" in str(error):
                raise MemoryError from None
            raise FatalError(f"LightGBM gave up: {error}") from None
        return Boosted(booster, self._table)

    def loaded(self, text: str) -> Boosted:
        """A model that was kept, over the same table. Raises FatalError for a text that LightGBM does not
        take.
        """
        try:
            booster = self._lightgbm.Booster(model_str=text)
        except self._lightgbm.basic.LightGBMError as error:
            raise FatalError(f"LightGBM does not take the model: {error}") from None
        return Boosted(booster, self._table)
