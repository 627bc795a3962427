"""The wall clock: the only place of the front door that reads it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


def wall_ns() -> int:
    """Nanoseconds UTC now, by the machine's clock."""
    return time.time_ns()


def utc(ts: int) -> datetime:
    """Nanoseconds UTC as an aware datetime, cut to microseconds."""
    return datetime.fromtimestamp(ts // 1_000_000_000, UTC).replace(microsecond=ts // 1_000 % 1_000_000)


def iso(ts: int) -> str:
    """Nanoseconds UTC as ISO 8601 with milliseconds: "2026-03-02T14:25:00.000Z"."""
    return utc(ts).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RunClock:
    """The clock of a run: the wall's until the practice venue has told its own time."""

    def __init__(self) -> None:
        self._read: Callable[[], int] = wall_ns

    def __call__(self) -> int:
        return self._read()

    def follow(self, clock: Callable[[], int]) -> None:
        self._read = clock
