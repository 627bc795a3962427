"""Times as people read them in a message."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from adapters.notify.content.message import Message
from engine.model.market import MINUTE, NANOS
from engine.ports import Clock

_LATE_NS = MINUTE
"""News this old says so."""


class Stamps:
    """Writes times in a zone, and how late news is by the engine's clock."""

    def __init__(self, zone: str, clock: Clock) -> None:
        self._zone = ZoneInfo(zone)
        self._clock = clock

    def now(self) -> int:
        """Nanoseconds UTC of the engine's clock."""
        return self._clock()

    def time(self, ts: int) -> str:
        """HH:MM:SS and the zone's short name."""
        return self._local(ts).strftime("%H:%M:%S %Z")

    def __call__(self, message: Message) -> str:
        """The last line of a message: when, since when, how late, and who speaks."""
        when = self.time(message.ts)
        if message.first_ts and message.first_ts != message.ts:
            when = f"{self._local(message.first_ts).strftime('%H:%M:%S')} – {when}"
        late = self._clock() - message.ts
        told = f"told {_span(late)} late" if late >= _LATE_NS else ""
        day = self._local(message.ts).strftime("%d %b")
        return " · ".join(part for part in (f"{day} {when}", told, message.origin) if part)

    def brief(self, message: Message) -> str:
        """A message in one line, as it stands among others."""
        facts = message.sections[0].fields[:4] if message.sections else ()
        told = [f"{fact.name} {fact.value}" for fact in facts] or list(message.lines[:1])
        return f"{self._local(message.ts).strftime('%H:%M:%S')}  " + " · ".join([message.headline, *told])

    def _local(self, ts: int) -> datetime:
        return datetime.fromtimestamp(ts // NANOS, UTC).astimezone(self._zone)


def _span(ns: int) -> str:
    minutes = ns // MINUTE
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def held(ns: int) -> str:
    """How long a trade lasted: "48 s", "12 min", "3 h 05 min"."""
    seconds = max(0, ns) // NANOS
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
