"""What the engine's own objects take while a virtual week goes by."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.torture.week import Tally, Week

ALLOWED = 1.05
"""The last quarter may take so many times what the second took."""
EVERY = 3
"""Hours between two samples."""
_ENGINE = tracemalloc.Filter(True, "*/engine/*")
_VENUE = [
    tracemalloc.Filter(False, f"*/engine/{part}.py")
    for part in ("lab/replay", "trading/venue", "trading/matching", "trading/booked", "trading/fills")
]
"""The venue remembers every order for ever; it is not the engine."""


@dataclass
class Memory:
    """Bytes at each sample: allocated by the engine's code, and resident of the whole process."""

    engine: list[int] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)

    def growth(self, samples: list[int]) -> float:
        """Mean of the last quarter to the mean of the second."""
        quarter = len(samples) // 4
        second, last = samples[quarter : 2 * quarter], samples[-quarter:]
        return (sum(last) / len(last)) / (sum(second) / len(second))


def measure(folder: Path, seed: int, days: int = 5) -> tuple[Tally, Memory]:
    """Play a week unwatched and weigh the engine. Raises AssertionError."""
    week = Week(folder, seed, days, watched=False)
    memory = Memory()
    hours = 0

    def sample(_ts: int) -> None:
        nonlocal hours
        hours += 1
        if hours % EVERY:
            return
        gc.collect()
        traces = tracemalloc.take_snapshot().filter_traces([_ENGINE, *_VENUE])
        memory.engine.append(sum(trace.size for trace in traces.traces))
        memory.resident.append(psutil.Process().memory_info().rss)

    week.sample = sample
    tracemalloc.start()
    try:
        tally = week.play()
    finally:
        tracemalloc.stop()
    return tally, memory
