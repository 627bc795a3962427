"""Time that goes on as it really does, whatever is done to the machine's clock."""

from __future__ import annotations

import time
from collections.abc import Callable

_PASSING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts what the machine sleeps, too: by name on Linux, as it is elsewhere."""


def passing_ns() -> int:
    """Nanoseconds since some instant of the past: never set, and never standing still."""
    return time.clock_gettime_ns(_PASSING)


class SteadyClock:
    """The wall's time as of when it was made, and from then on what has really passed. Nanoseconds UTC."""

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, passing: Callable[[], int] = passing_ns
    ) -> None:
        self._passing = passing
        self._origin = wall() - passing()

    def __call__(self) -> int:
        return self._origin + self._passing()
