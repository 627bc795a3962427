"""What a process takes in which the engine lives through a virtual week."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.torture.week import Week

ALLOWED = 1.05
"""The last quarter may take so many times what the second took."""


def resident(folder: Path, seed: int, days: int = 5) -> list[int]:
    """Bytes at every full hour of the market, in a process of its own. Raises AssertionError."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_hours, (folder, seed, days))


def _hours(folder: Path, seed: int, days: int) -> list[int]:
    """The week is unwatched: what onlookers remember would be weighed too."""
    week, process = Week(folder, seed, days, watched=False), psutil.Process()
    weights: list[int] = []

    def weigh(_ts: int) -> None:
        gc.collect()
        weights.append(process.memory_info().rss)

    week.sample = weigh
    week.play()
    return weights


def growth(samples: Sequence[int]) -> float:
    """Mean of the last quarter to the mean of the second."""
    quarter = len(samples) // 4
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    return sum(last) / sum(second)
