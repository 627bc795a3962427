"""Practice time: a clock that both ends of the practice venue can compute from the machine's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PracticeClock:
    """practice now = origin + (real - real origin) x rate, all in integer nanoseconds UTC.

    Before the real origin it stands still. Venue and engine hold equal values in two processes, so they agree
    on the time without asking.
    """

    origin_ns: int
    real_origin_ns: int
    rate: float = 1.0

    def at(self, real_ns: int) -> int:
        """Practice time at an instant of the real clock."""
        return self.origin_ns + int(max(0, real_ns - self.real_origin_ns) * self.rate)

    def reader(self, real: Callable[[], int]) -> Callable[[], int]:
        """A clock to read, driven by a real clock in nanoseconds (`time.time_ns` for two processes)."""
        return lambda: self.at(real())


class ManualClock:
    """A clock that stands until it is moved, for tests and other callers that drive time by hand."""

    def __init__(self, now_ns: int) -> None:
        self._now = now_ns

    def __call__(self) -> int:
        return self._now

    def advance(self, nanos: int) -> int:
        """Move forward; gives the new time."""
        if nanos < 0:
            raise ValueError("time does not go back")
        self._now += nanos
        return self._now
