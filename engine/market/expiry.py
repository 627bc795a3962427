"""The last day of a contract month, as far as entries are concerned (docs/semantics.md#contract-months).

The venue says which month is active; this only tells how near its end is.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_CODES = "FGHJKMNQUVXZ"
_MONTH = re.compile(r"\.?([FGHJKMNQUVXZ])(\d{1,2})$")
_METALS = frozenset({"GC", "MGC"})
_DECADE = 10


def last_day(symbol: str, contract: str, today: date) -> date | None:
    """The day by which nobody should be in the contract any more; None where its name tells no month.

    `contract` is an id or a name that ends in the month's letter and the year ("CON.F.US.MNQ.Z26", "MNQZ6").
    Index futures trade last on the third Friday of the month. Metals are delivered: notices begin on the last
    weekday of the month before.
    """
    found = _MONTH.search(contract)
    if found is None:
        return None
    month, digits = _CODES.index(found[1]) + 1, found[2]
    year = 2000 + int(digits) if len(digits) == 2 else _nearest_year(int(digits), today.year)
    first = date(year, month, 1)
    if symbol in _METALS:
        day = first - timedelta(days=1)
        return day - timedelta(days=max(0, day.weekday() - 4))
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


def days_left(symbol: str, contract: str, today: date) -> int | None:
    """Calendar days until `last_day`, negative after it."""
    last = last_day(symbol, contract, today)
    return None if last is None else (last - today).days


def _nearest_year(digit: int, year: int) -> int:
    """The year that ends in a digit and is nearest to `year`, rather a later one."""
    decade = year - year % _DECADE
    return min(
        (decade + shift + digit for shift in (-_DECADE, 0, _DECADE)), key=lambda y: (abs(y - year), -y)
    )
