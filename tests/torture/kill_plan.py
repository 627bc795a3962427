"""Where a day's kills fall, and what the day came to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.torture.kill_points import ANY, POINTS


class Kill(NamedTuple):
    point: str
    nth: int


def plan(rng: random.Random, count: int) -> list[Kill]:
    """So many kills: every named point at least three times (as far as they go round), the rest anywhere."""
    each = max(1, min(count // len(POINTS), max(3, count // (3 * len(POINTS)))))
    named = [Kill(point, rng.randint(1, 3)) for point in POINTS for _ in range(each)][:count]
    free = [Kill(ANY, rng.randint(1, 60)) for _ in range(count - len(named))]
    kills = named + free
    rng.shuffle(kills)
    return kills


@dataclass
class Outcome:
    """What a day came to. Times are real seconds from the venue's first accepted login of a run."""

    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    """Traps that no passage sprang: the process was killed between two effects."""
    protected_s: list[float] = field(default_factory=list)
    """Until every contract held had a working stop at the venue, for runs that found a position."""
    naked_s: list[float] = field(default_factory=list)
    """The same, for runs that found it unprotected."""
    unstopped_s: list[float] = field(default_factory=list)
    """How long the venue held something without a stop while a run went on, where stops are our own."""
    hanging_s: list[float] = field(default_factory=list)
    """The same, where the request for the stop hung and was lost."""
    verified_s: list[float] = field(default_factory=list)
    """Until the venue's truth was known and durable: from then on strategies may act."""
    agreed: int = 0
    """Runs in which journal and venue were compared and held the same."""
    orders: int = 0
    fills: int = 0
    trades: int = 0

    def add(self, other: Outcome) -> None:
        """Take another day in."""
        self.kills += other.kills
        self.missed += other.missed
        for name in (
            *("protected_s", "naked_s", "unstopped_s", "hanging_s", "verified_s"),
            *("agreed", "orders", "fills", "trades"),
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def days(seed: int, count: int, a_day: int = 105) -> Iterator[tuple[int, list[Kill]]]:
    """The kills in days that are long enough for them, each with a seed of its own."""
    kills = plan(random.Random(seed), count)
    for number, start in enumerate(range(0, count, a_day)):
        yield seed + number, kills[start : start + a_day]
