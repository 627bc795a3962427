"""What goes down in a trading day, and for how long: seventeen hub drops and two forced token expiries."""

from __future__ import annotations

import random
from datetime import date
from typing import NamedTuple

from tests.torture import dates

DROPS, EXPIRIES = 17, 2


class Outage(NamedTuple):
    """All times nanoseconds UTC."""

    start: int
    end: int
    links: tuple[str, ...]

    def beginning(self, ts: int) -> Outage:
        """The same outage at another time."""
        return Outage(ts, ts + self.end - self.start, self.links)


def outages(seed: int, day: date) -> list[Outage]:
    """The outages of one trade date, by start. An expiry takes the whole login with it: hubs and REST."""
    rng = random.Random(f"{seed}:outages")
    opening, closing = dates.opening(day), dates.at(day, 16)
    found = []
    for n in range(DROPS + EXPIRIES):
        start = rng.randrange(opening, closing - 2 * 3600 * dates.NANOS)
        seconds = rng.choice([5, 60, 300, 900, 1800])
        links = rng.choice([("user",), ("user",), ("market",), ("user", "market")])
        if n >= DROPS:
            links, seconds = ("token", "rest", "user", "market"), rng.choice([5, 30, 90])
        found.append(Outage(start, start + seconds * dates.NANOS, links))
    return sorted(found)
