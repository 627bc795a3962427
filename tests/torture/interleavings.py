"""Random interleavings of scripted trading, each different, each the same for the same seed."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, seed, settings

from engine.lab.replay import BOOK
from engine.model import records as r
from engine.model.market import NANOS
from tests.torture.mishap_replay import play
from tests.torture.mishaps import SCENES, Scene


@dataclass
class Tally:
    """What so many scenes came to."""

    scenes: int = 0
    boots: int = 0
    trades: int = 0
    fills: int = 0
    naked_s: list[float] = field(default_factory=list)
    """How long the venue held something without a stop, where stops are our own."""
    hanging_s: list[float] = field(default_factory=list)
    """The same, where a request about an order alone was to blame."""
    mishaps: Counter[str] = field(default_factory=Counter)
    """By what they befell and what it was, those that came to pass."""

    def __iadd__(self, other: Tally) -> Tally:
        self.scenes += other.scenes
        self.boots += other.boots
        self.trades += other.trades
        self.fills += other.fills
        self.mishaps += other.mishaps
        self.naked_s += other.naked_s
        self.hanging_s += other.hanging_s
        return self


def interleave(first: int, count: int) -> Tally:
    """Play so many scenes drawn from a seed. Raises AssertionError with the smallest scene that breaks."""
    tally = Tally()

    @seed(first)
    @settings(
        max_examples=count, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(SCENES)
    def one(scene: Scene) -> None:
        played = play(scene)
        tally.scenes += 1
        tally.boots += played.boots
        tally.trades += len(played._core.state.book(BOOK).trades)
        tally.fills += sum(isinstance(record, r.FillApplied) for record in played.journal)
        tally.naked_s += [spent / NANOS for spent in played.naked]
        tally.hanging_s += [spent / NANOS for spent in played.naked_by_hanging]
        tally.mishaps.update(f"{mishap.kind}: {mishap.fate}" for mishap in played.suffered)

    one()
    return tally


def interleave_all(first: int, count: int, jobs: int) -> Tally:
    """The same on several processes, whose seeds follow each other."""
    shares = [(first + n, count // jobs + (n < count % jobs)) for n in range(jobs)]
    whole = Tally()
    for tally in _spread(shares):
        whole += tally
    return whole


def _spread(shares: Sequence[tuple[int, int]]) -> list[Tally]:
    if len(shares) == 1:
        return [interleave(*shares[0])]
    with multiprocessing.get_context("spawn").Pool(len(shares)) as pool:
        return pool.starmap(interleave, shares)
