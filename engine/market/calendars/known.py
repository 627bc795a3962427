"""The calendars that there are, by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.market.calendars.always import AlwaysOpen
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.cme_holidays import CME_HOLIDAYS
from engine.market.calendars.exchange import ExchangeCalendar, Hours
from engine.market.calendars.part_of_day import PartOfDay
from engine.market.calendars.us_equities_holidays import US_EQUITIES_HOLIDAYS
from engine.model.instrument import Instrument
from engine.model.market import NANOS

CME = ExchangeCalendar(
    "cme",
    "America/Chicago",
    "Chicago time",
    "CT",
    Hours(
        rolls=time(17),
        evening_before=True,
        opens=None,
        closes=time(16),
        regular_opens=time(8, 30),
        regular_closes=time(15),
        flat_by=time(15, 10),
    ),
    CME_HOLIDAYS,
)
"""Globex futures: from 17:00 to 16:00 Chicago time. Both US clock changes fall into the weekend break, so a
session is always 23 hours long.
"""

US_EQUITIES = ExchangeCalendar(
    "us_equities",
    "America/New_York",
    "New York time",
    "ET",
    Hours(
        rolls=time(0),
        evening_before=False,
        opens=time(9, 30),
        closes=time(16),
        regular_opens=time(9, 30),
        regular_closes=time(16),
        flat_by=time(15, 50),
    ),
    US_EQUITIES_HOLIDAYS,
)
"""US stocks in their regular session, 09:30 to 16:00 New York time; the date is New York's."""

ALWAYS = AlwaysOpen()

CALENDARS: dict[str, Calendar] = {calendar.name: calendar for calendar in (CME, ALWAYS, US_EQUITIES)}


def calendar_of(name: str) -> Calendar:
    """The calendar of a name, as `Instrument.calendar` has it: "cme", or "cme 08:30-15:00" for a part of its
    day. Raises ValueError for an unknown one.
    """
    try:
        return CALENDARS.get(name) or _part_of(name)
    except KeyError:
        raise ValueError(f"no calendar is called {name!r}; known are {', '.join(CALENDARS)}") from None


@lru_cache(maxsize=64)
def _part_of(name: str) -> Calendar:
    whole, _, hours = name.partition(" ")
    found = CALENDARS[whole]
    opens, dash, closes = hours.partition("-")
    if not dash:
        raise KeyError(name)
    return PartOfDay(found, time.fromisoformat(opens), time.fromisoformat(closes))


def zone_mark(zone: str, ts: int) -> str:
    """What stands behind times of a zone: as its calendar has it ("CT"), else its name at an instant."""
    marks = {calendar.zone: calendar.clock_mark for calendar in CALENDARS.values()}
    return marks.get(zone) or f"{datetime.fromtimestamp(ts // NANOS, ZoneInfo(zone)):%Z}"


def calendar_in(instruments: Mapping[str, Instrument], symbol: str) -> Calendar:
    """The calendar of a contract; the futures' for one that nobody has described."""
    found = instruments.get(symbol)
    return CME if found is None else calendar_of(found.calendar)
