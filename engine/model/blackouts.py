"""Times around scheduled news at which nothing is entered (docs/safety.md#scheduled-news)."""

from __future__ import annotations

from bisect import bisect_right
from typing import Annotated

from msgspec import Struct

from engine.model.market import MINUTE
from engine.model.setting import live


class ScheduledNews(Struct, frozen=True):
    """One event of a calendar that somebody else has written: `name` is text from outside."""

    ts: int
    """Nanoseconds UTC."""
    name: str


class Blackouts(Struct, frozen=True):
    """No entries from so long before each event to so long after it."""

    events: tuple[ScheduledNews, ...] = ()
    """Oldest first."""
    before_ns: Annotated[int, live(loosens="less", key="minutes_before", unit=MINUTE)] = 5 * MINUTE
    after_ns: Annotated[int, live(loosens="less", key="minutes_after", unit=MINUTE)] = 5 * MINUTE

    def at(self, wall: int) -> ScheduledNews | None:
        """The event around which a time is, the last of several; nanoseconds UTC."""
        if not self.events:
            return None
        begun = bisect_right(self.events, wall + self.before_ns, key=lambda event: event.ts)
        last = self.events[begun - 1] if begun else None
        return last if last is not None and wall < last.ts + self.after_ns else None

    def until(self, wall: int) -> int | None:
        """When entries may come again; None where nothing stands against them. Events that follow one another
        closely are one blackout.
        """
        end, found = None, self.at(wall)
        while found is not None:
            end = found.ts + self.after_ns
            found = self.at(end)
        return end
