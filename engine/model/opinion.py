"""What a trained model is to the engine: numbers in, a probability out, and a card that says what it is
(docs/models.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from math import isfinite

from msgspec import Struct

from engine.model.market import Timeframe

SLIPPAGE_TICKS = 1
"""Of everything that is no limit order: entries, stops, and what ends by time."""

MOST_WINDOW = 64
"""Closes that a model can be given."""

_MOST, _LATEST = 1e9, (1 << 63) - 1
"""Of a number on a card, and of a time there."""
_MOST_LISTED, _MOST_TEXT = 10_000, 4_000


class ModelKind(StrEnum):
    """What a training may learn with."""

    TREES = "trees"
    DEEP = "deep"
    """A temporal fusion transformer, which is kept only where it is better than trees on the same data."""


class Barriers(Struct, frozen=True):
    """What a model was asked in training: from the close of a bar, is the target reached before the stop,
    and within so many bars?
    """

    stop_atr: float = 1.5
    """Distance of the stop from the close, in ATR of the model's timeframe."""
    target_r: float = 1.5
    """Distance of the target, in stops."""
    bars: int = 24
    """Closed bars of the model's timeframe after which it is over at the close."""


class ModelCard(Struct, frozen=True):
    """The JSON that stands beside a model's file. Times are nanoseconds UTC."""

    name: str
    feature_version: int
    feature_hash: str
    """Of names and version of the features (engine.signals.features): another hash is refused."""
    timeframe: Timeframe = Timeframe.M5
    """Whose closed bars it judges."""
    barriers: Barriers = Barriers()
    instruments: tuple[str, ...] = ()
    """Those that it was trained on; empty: any."""
    trained_from: int = 0
    trained_to: int = 0
    created_ts: int = 0
    rows: int = 0
    seed: int = 0
    mean_win_r: float = 1.0
    """What hits of the target have made on average, in R net of costs, out of sample."""
    mean_loss_r: float = -1.0
    """What everything else has made on average, in R net of costs."""
    calibration: tuple[tuple[float, float], ...] = ()
    """(raw, calibrated) probabilities, rising, straight between them; empty: the raw one counts."""
    metrics: dict[str, float | None] = {}
    """Out of sample, by name: "calibration_error", "brier", "auc", "mean_r", "deflated_sharpe", "pbo"…"""
    thresholds: dict[str, float] = {}
    """By name: "probability", from which on it paid out of sample."""
    verdict: str = ""
    """What its training says of it, for people."""
    better: bool = False
    """Than the rules alone, out of sample, as its training judged."""
    parent: str = ""
    """The champion that it was compared with; empty where there was none."""
    reason: str = ""
    """Why it was trained, and why it took the champion's place or did not, for people."""
    sources: tuple[str, ...] = ()
    """Datasets and tapes that it was trained on."""
    window: int = 1
    """Closes that it is given, the newest among them: more than one of a deep model."""
    quantiles: tuple[tuple[float, float], ...] = ()
    """Of the result in R, of a deep model: (what it says, how often the result was not above it out of
    sample), rising.
    """
    looks_at: tuple[tuple[str, float], ...] = ()
    """Features and their shares of all, the largest first: what its trees split on, or what a deep model
    selects.
    """
    looks_back: tuple[float, ...] = ()
    """The share of each close in what a deep model attends to, the newest first."""
    file_hash: str = ""
    """Of the model's file, 16 hex digits of SHA-256: another file is refused. Empty: any is taken."""

    def knows(self, instrument: str) -> bool:
        """Whether it was trained on an instrument."""
        return not self.instruments or instrument in self.instruments

    def calibrated(self, raw: float) -> float:
        """A raw output as a probability."""
        return straight_between(self.calibration, raw) if self.calibration else min(1.0, max(0.0, raw))

    def expected_r(self, probability: float) -> float:
        """What such trades make on average, in R net of costs."""
        return probability * self.mean_win_r + (1 - probability) * self.mean_loss_r

    def conviction(self, probability: float) -> float:
        """What a probability says for a trade: 0.5 where such trades make nothing on average, 1 where they
        are sure to win, 0 where they are sure to lose.
        """
        span = self.mean_win_r - self.mean_loss_r
        even = -self.mean_loss_r / span if span > 0 else 0.5
        even = min(0.99, max(0.01, even))
        if probability >= even:
            return 0.5 + 0.5 * (probability - even) / (1 - even)
        return 0.5 * probability / even

    @property
    def objection(self) -> str:
        """What makes no sense in it; empty where nothing does."""
        return next(self._objections(), "")

    def _objections(self) -> Iterator[str]:
        barriers, table = self.barriers, self.calibration
        lists = (self.instruments, self.sources, self.metrics, self.thresholds, table, self.quantiles)
        if any(len(one) > _MOST_LISTED for one in (*lists, self.looks_at, self.looks_back)):
            yield f"it lists more than {_MOST_LISTED:,} of something"
        texts = [self.name, self.verdict, self.reason, self.parent, *self.instruments, *self.sources]
        texts += [*self.metrics, *self.thresholds, *(name for name, _ in self.looks_at)]
        if any(len(one) > _MOST_TEXT for one in texts):
            yield f"a text in it is longer than {_MOST_TEXT:,} characters"
        numbers = [self.mean_win_r, self.mean_loss_r, barriers.stop_atr, barriers.target_r]
        numbers += [number for pair in (*table, *self.quantiles) for number in pair]
        numbers += [*(share for _, share in self.looks_at), *self.looks_back, *self.thresholds.values()]
        numbers += [one for one in self.metrics.values() if one is not None]
        if not all(map(isfinite, numbers)):
            yield "a number in it is not finite"
        if max(map(abs, numbers)) > _MOST or not 0 <= self.rows <= _MOST:
            yield "a number in it can't be"
        if not 0 <= self.trained_from <= self.trained_to <= _LATEST or not 0 <= self.created_ts <= _LATEST:
            yield "its times can't be"
        if any(not 0 <= over <= 1 for _, over in table):
            yield "its calibration leaves 0 to 1"
        if any(low > high or under > over for (low, under), (high, over) in pairwise(table)):
            yield "its calibration does not rise"
        if barriers.stop_atr <= 0 or barriers.target_r <= 0 or not 1 <= barriers.bars <= 10_000:
            yield "its barriers can't be"
        if self.timeframe.by_calendar:
            yield f"it judges closes of {self.timeframe}, where at most {Timeframe.H1} can be judged"
        if not 1 <= self.window <= MOST_WINDOW:
            yield f"it looks at {self.window} closes, where 1 to {MOST_WINDOW} can be given"


def straight_between(points: Sequence[tuple[float, float]], raw: float) -> float:
    """The value at `raw` of a line through points that rise, at least one: level before the first and behind
    the last.
    """
    if raw <= points[0][0]:
        return points[0][1]
    for (low, under), (high, over) in pairwise(points):
        if raw <= high:
            return over if high <= low else under + (over - under) * (raw - low) / (high - low)
    return points[-1][1]


def hash_of(names: Sequence[str], version: int) -> str:
    """Of a set of features: it changes with every name, their order and the version."""
    return hashlib.sha256("\n".join((str(version), *names)).encode()).hexdigest()[:16]
