"""Time as it really passes, whatever is done to the machine's clock."""

from __future__ import annotations

import time

_PASSING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts what the machine sleeps, too: by name on Linux, as it is elsewhere."""


def passing_ns() -> int:
    """Nanoseconds since some instant of the past, the same for all processes: never set, never at rest."""
    return time.clock_gettime_ns(_PASSING)
