"""How a measured program reports back: pipes and files whose names stand in its environment."""

from __future__ import annotations

import os

KEYS = "BENCH_KEYS"
"""Number of the pipe that takes the time of each key's handler: monotonic nanoseconds, 8 bytes each."""
COUNTS = "BENCH_COUNTS"
"""File in which the venue says how many records it has sent."""
THIN = "BENCH_THIN"
"""Of so many events of the market one passes, until the venue is told to let all of them pass."""


def channel(name: str) -> int | None:
    """The pipe that was handed down under this name, if any."""
    number = os.environ.get(name)
    return int(number) if number else None
