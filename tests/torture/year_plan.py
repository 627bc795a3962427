"""What goes off in a virtual year, and when: drops, maintenance, restarts, and processes that are away."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from tests.torture.year_dates import COINS, DAY, MINUTE, NANOS, Market, utc

HOUR = 60 * MINUTE
_CALM = 40 * NANOS
"""A process goes so long after the minute: no entry of its is under way, and every stop stands."""
_ROOM = 45 * MINUTE
"""So long before a deadline nothing is down that a flatten needs."""


class What(StrEnum):
    USER = "drops of the account's stream"
    MARKET = "drops of the market's stream"
    BOTH = "drops of all links"
    MAINTENANCE = "maintenance"
    RESTART = "restarts"
    AWAY = "nights and weekends without a process"


LINKS: Mapping[What, tuple[str, ...]] = {
    What.USER: ("user",),
    What.MARKET: ("market",),
    What.BOTH: ("rest", "user", "market"),
    What.MAINTENANCE: ("rest", "user", "market"),
}


class Happening(NamedTuple):
    """Times are nanoseconds UTC."""

    start: int
    end: int
    what: What
    venue: str = ""
    """Whose; empty for the process."""


def plan(seed: int, first: date, days: int, venues: Mapping[str, Market]) -> list[Happening]:
    """By start: two drops a week of each venue, its maintenance, a restart, and a weekend in two away."""
    rng = random.Random(f"{seed}:year")
    found: list[Happening] = []
    for week in range(-(-days // 7)):
        monday = first + 7 * week * DAY
        for venue, market in venues.items():
            found += _drops(rng, monday, venue)
            found.append(_maintenance(monday, venue, market))
        start = utc(monday) + rng.randrange(7 * 24 * 60) * MINUTE + _CALM
        found.append(Happening(start, start, What.RESTART))
        saturday = monday + (5 - monday.weekday()) % 7 * DAY
        if week % 2 == 0:
            found.append(Happening(utc(saturday, 3) + _CALM, utc(saturday + DAY, 12), What.AWAY))
        else:  # over a midnight of UTC, while Chicago trades and New York does not
            tuesday = monday + (1 - monday.weekday()) % 7 * DAY
            found.append(Happening(utc(tuesday, 23, 30) + _CALM, utc(tuesday + DAY, 2), What.AWAY))
    every = set(venues.values())
    kept = [one for one in found if not _in_the_way(one, {venues[one.venue]} if one.venue else every)]
    return sorted(_apart(sorted(kept)))


def _drops(rng: random.Random, monday: date, venue: str) -> Iterator[Happening]:
    for _ in range(2):
        start = utc(monday) + rng.randrange(7 * 24 * 3600) * NANOS
        end = start + rng.choice((5, 60, 300, 900, 1800)) * NANOS
        yield Happening(start, end, rng.choice((What.USER, What.USER, What.MARKET, What.BOTH)), venue)


def _maintenance(monday: date, venue: str, market: Market) -> Happening:
    """Half an hour on a Tuesday where it never closes, else the middle of a Saturday."""
    if market is COINS:
        start = utc(monday + (1 - monday.weekday()) % 7 * DAY, 6)
        return Happening(start, start + HOUR // 2, What.MAINTENANCE, venue)
    start = utc(monday + (5 - monday.weekday()) % 7 * DAY, 14)
    return Happening(start, start + 2 * HOUR, What.MAINTENANCE, venue)


def _in_the_way(one: Happening, markets: Iterable[Market]) -> bool:
    for market in markets:
        for ts in (one.start, one.end):
            deadline = market.deadline(market.trade_date(ts))
            if deadline is not None and one.start <= deadline + MINUTE and one.end > deadline - _ROOM:
                return True
    return False


def _apart(found: Sequence[Happening]) -> Iterator[Happening]:
    """Nothing else happens to a venue that is down, and nothing at all to a process that is away."""
    free: dict[str, int] = {}
    away = [one for one in found if one.what is What.AWAY]
    for one in found:
        covered = any(
            one is not other and one.start <= other.end + MINUTE and other.start <= one.end + MINUTE
            for other in away
        )
        if covered or one.start <= free.get(one.venue, 0) + MINUTE:
            continue
        free[one.venue] = one.end
        yield one
