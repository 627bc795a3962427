"""Notices when the machine's clock is set, and when nothing has run for a while: asleep, or stopped."""

from __future__ import annotations

from engine.model.events import ClockChecked
from engine.model.market import NANOS
from engine.ports import Clock

FOLLOW_NS = NANOS // 50
"""Smaller differences are left alone."""

STILL_NS = 5 * NANOS
"""The loop comes round every second: so long without a look, real nanoseconds, and nothing ran."""


class ClockWatch:
    """Compares what stamps events, which is never set, with what the machine's clock shows."""

    def __init__(self, clock: Clock, wall: Clock | None, speed: float = 1.0) -> None:
        """`speed` is how fast `clock` runs; without `wall` there is nothing to compare it with."""
        self._clock = clock
        self._wall = wall
        self._speed = speed
        self._offset = 0
        self._seen: int | None = None

    def wall(self) -> int:
        """The machine's time now, nanoseconds UTC."""
        return (self._wall or self._clock)()

    def look(self) -> ClockChecked | None:
        """What is to be told, mostly nothing. Called whenever the loop comes round."""
        now = self._clock()
        offset = 0 if self._wall is None else self._wall() - now
        still = 0 if self._seen is None else int((now - self._seen) / self._speed)
        self._seen = now
        if still < STILL_NS and abs(offset - self._offset) < FOLLOW_NS:
            return None
        self._offset = offset
        return ClockChecked(ts_recv=now, offset_ns=offset, stood_still_ns=still if still >= STILL_NS else 0)
