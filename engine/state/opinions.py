"""What is remembered of opinions: the model that is asked, what it said, and how right it was."""

from __future__ import annotations

from msgspec import Struct, field

from engine.model.opinion_records import OpinionFormed, OpinionScored, PredictorChanged
from engine.signals.mood import SourceMood

MODELS_KEPT = 8
RECENT_KEPT = 40
OPEN_KEPT = 500
"""Predictions whose outcome is waited for; the oldest beyond them are forgotten."""
BINS = 10
DRIFT_SLACK, DRIFT_LIMIT = 0.01, 3.0
"""Of Page-Hinkley's test: what of a rise of the error is let pass, and the sum of the rest at which it is
drift: about sixty predictions that are worse by 0.06.
"""


class TallyBin(Struct):
    """Predictions of about the same probability."""

    count: int = 0
    said: float = 0.0
    """Sum of the probabilities."""
    hits: int = 0


class PageHinkley(Struct):
    """Whether the mean of a series has risen: its sum above its own mean so far, less a slack, against the
    lowest that this sum was (Page 1954, Hinkley 1971).
    """

    count: int = 0
    mean: float = 0.0
    total: float = 0.0
    lowest: float = 0.0

    def add(self, value: float) -> bool:
        """Take the next value; gives whether it is drift now, after which it begins anew."""
        self.count += 1
        self.mean += (value - self.mean) / self.count
        self.total += value - self.mean - DRIFT_SLACK
        self.lowest = min(self.lowest, self.total)
        if self.level < 1:
            return False
        self.count, self.mean, self.total, self.lowest = 0, 0.0, 0.0, 0.0
        return True

    @property
    def level(self) -> float:
        """0 to 1, where it is drift."""
        return (self.total - self.lowest) / DRIFT_LIMIT


class PredictionTally(Struct):
    """How right one model was, by the predictions of it whose outcome is known."""

    name: str
    count: int = 0
    hits: int = 0
    said: float = 0.0
    """Sum of the probabilities."""
    squares: float = 0.0
    """Sum of the squared differences to what came of it, 0 or 1."""
    r: float = 0.0
    """Sum of the results, R."""
    expected_r: float = 0.0
    apart_r: float = 0.0
    """Sum of the differences between the two, without their signs."""
    bins: list[TallyBin] = field(default_factory=lambda: [TallyBin() for _ in range(BINS)])
    drift: PageHinkley = field(default_factory=PageHinkley)
    drifted_ts: int = 0
    """When its error was last found to have risen, nanoseconds UTC."""

    def add(self, probability: float, expected_r: float, hit: bool, r: float, ts: int) -> None:
        self.count += 1
        self.hits += hit
        self.said += probability
        error = (probability - hit) ** 2
        self.squares += error
        self.r, self.expected_r = self.r + r, self.expected_r + expected_r
        self.apart_r += abs(expected_r - r)
        found = self.bins[min(BINS - 1, int(probability * BINS))]
        found.count, found.said, found.hits = found.count + 1, found.said + probability, found.hits + hit
        if self.drift.add(error):
            self.drifted_ts = ts

    @property
    def calibration_error(self) -> float | None:
        """Mean distance between what was said and what came, by bins, weighted by their sizes."""
        if not self.count:
            return None
        return sum(abs(one.said - one.hits) for one in self.bins) / self.count

    @property
    def brier(self) -> float | None:
        return self.squares / self.count if self.count else None


class Judged(Struct):
    """An opinion, and what came of it."""

    formed: OpinionFormed
    scored: OpinionScored | None = None


class OpinionState(Struct):
    """Of all runs of the journal."""

    predictor: PredictorChanged | None = None
    """The newest word of this run's worker; None before there is one."""
    recent: list[Judged] = field(default_factory=list)
    """The newest opinions, oldest first."""
    waiting: dict[str, OpinionFormed] = field(default_factory=dict)
    """Predictions whose outcome is not known yet, by id, oldest first."""
    models: dict[str, PredictionTally] = field(default_factory=dict)
    """By hash, that which was asked longest ago first."""
    moods: dict[str, SourceMood] = field(default_factory=dict)
    """What texts have said, as `engine.signals.mood.Moods` keeps it."""
    alone: int = 0
    """Decisions of ideas that the rules have made alone."""
    together: int = 0
