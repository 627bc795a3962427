"""Days on which CME's equity-index or metal futures close early or stay closed, 2025 to 2028.

One calendar serves both groups: where they differ the earlier close counts, so that a position is never
held into a close (gold trades an hour or more longer on most of these days, and equity indices trade the
first minutes of some Good Fridays). Times are Chicago wall time of the trade date. Sources: CME Group's
holiday calendars; 2027 and 2028 follow their rules, as no calendar is published yet. As of August 2026. A
test computes all of them by the rules.
"""

from __future__ import annotations

from datetime import date, time

from engine.market.calendars.holidays import Holidays

_NOON = time(12, 0)
_QUARTER_PAST = time(12, 15)

CME_HOLIDAYS = Holidays(
    years=range(2025, 2029),
    closed=frozenset(  # New Year's Day, Good Friday, Christmas Day (or the Friday before it)
        {
            date(2025, 1, 1),
            date(2025, 4, 18),
            date(2025, 12, 25),
            date(2026, 1, 1),
            date(2026, 4, 3),
            date(2026, 12, 25),
            date(2027, 1, 1),
            date(2027, 3, 26),
            date(2027, 12, 24),
            date(2028, 4, 14),
            date(2028, 12, 25),
        }
    ),
    early={
        date(2025, 1, 9): time(8, 30),  # national day of mourning
        date(2025, 1, 20): _NOON,
        date(2025, 2, 17): _NOON,
        date(2025, 5, 26): _NOON,
        date(2025, 6, 19): _NOON,
        date(2025, 7, 3): _QUARTER_PAST,
        date(2025, 7, 4): _NOON,
        date(2025, 9, 1): _NOON,
        date(2025, 11, 27): _NOON,
        date(2025, 11, 28): _QUARTER_PAST,
        date(2025, 12, 24): _QUARTER_PAST,
        date(2026, 1, 19): _NOON,
        date(2026, 2, 16): _NOON,
        date(2026, 5, 25): _NOON,
        date(2026, 6, 19): _NOON,
        date(2026, 7, 3): _NOON,
        date(2026, 9, 7): _NOON,
        date(2026, 11, 26): _NOON,
        date(2026, 11, 27): _QUARTER_PAST,
        date(2026, 12, 24): _QUARTER_PAST,
        date(2027, 1, 18): _NOON,
        date(2027, 2, 15): _NOON,
        date(2027, 5, 31): _NOON,
        date(2027, 6, 18): _NOON,
        date(2027, 7, 5): _NOON,
        date(2027, 9, 6): _NOON,
        date(2027, 11, 25): _NOON,
        date(2027, 11, 26): _QUARTER_PAST,
        date(2028, 1, 17): _NOON,
        date(2028, 2, 21): _NOON,
        date(2028, 5, 29): _NOON,
        date(2028, 6, 19): _NOON,
        date(2028, 7, 3): _QUARTER_PAST,
        date(2028, 7, 4): _NOON,
        date(2028, 9, 4): _NOON,
        date(2028, 11, 23): _NOON,
        date(2028, 11, 24): _QUARTER_PAST,
    },
)
