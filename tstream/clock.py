"""The wall clock: the only place of the front door that reads it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from adapters.common.steady import passing_ns


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
    """The clock of a run, which is never set: the wall's time as it was at first and what has really passed
    since; practice time once the practice venue has told it.
    """

    def __init__(self, wall: Callable[[], int] = wall_ns, passing: Callable[[], int] = passing_ns) -> None:
        self._wall = wall
        self._passing = passing
        self._origin = wall() - passing()
        self._practice: Callable[[int], int] | None = None
        self._set_ns = 0

    def __call__(self) -> int:
        passed = self._passing()
        return self._origin + passed if self._practice is None else self._practice(passed)

    def wall(self) -> int:
        """What the machine's clock shows; practice time is nobody's to set, but for a fault."""
        return (self._wall() if self._practice is None else self()) + self._set_ns

    def follow(self, practice: Callable[[int], int]) -> None:
        """From now on practice time, by what it is at an instant of passing time."""
        self._practice = practice

    def set_by(self, nanos: int) -> None:
        """Have the machine's clock show so much more, here alone: a fault of the practice venue."""
        self._set_ns += nanos
