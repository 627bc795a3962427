"""Which backups are kept as they grow older. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, date, datetime

from msgspec import Struct

from engine.model.market import NANOS

WHOLE_DAY_NS = 24 * 3600 * NANOS
"""What is no older than this beside the newest is kept whatever its day."""


class Keeping(Struct, frozen=True):
    """How many days, weeks (from Monday) and months have a backup left, by UTC. The newest ones count that
    have one at all: days on which nothing ran use none up.
    """

    daily: int = 30
    weekly: int = 12
    monthly: int = 12


def kept(made: Iterable[int], keeping: Keeping) -> frozenset[int]:
    """Of backups made at these times, nanoseconds UTC, those that stay: of each day, week and month that
    counts its newest, and all of the last 24 hours before the newest of all.

    What goes is never wanted later, whatever is made after it: thinning out often or at once leaves the same.
    """
    times = sorted(set(made), reverse=True)
    stay = {ts for ts in times if ts > times[0] - WHOLE_DAY_NS}
    spans: tuple[tuple[Callable[[date], Hashable], int], ...] = (
        (lambda day: day, keeping.daily),
        (lambda day: day.isocalendar()[:2], keeping.weekly),
        (lambda day: (day.year, day.month), keeping.monthly),
    )
    for span, count in spans:
        newest: dict[Hashable, int] = {}
        for ts in times:
            newest.setdefault(span(_day(ts)), ts)
        stay.update(list(newest.values())[:count])
    return frozenset(stay)


def _day(ts: int) -> date:
    return datetime.fromtimestamp(ts // NANOS, UTC).date()
