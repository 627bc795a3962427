"""Days on which the US stock exchanges stay closed or close early, 2025 to 2028, New York wall time.

Sources: NYSE's table of holidays and trading hours; for 2026 to 2028 its announcement of December 2025. A
holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday after; a New Year's Day on
a Saturday is not kept at all. A test computes all of them by the rules.
"""

from __future__ import annotations

from datetime import date, time

from engine.market.calendars.holidays import Holidays

_ONE = time(13, 0)

US_EQUITIES_HOLIDAYS = Holidays(
    years=range(2025, 2029),
    closed=frozenset(
        {
            date(2025, 1, 1),
            date(2025, 1, 9),  # national day of mourning
            date(2025, 1, 20),
            date(2025, 2, 17),
            date(2025, 4, 18),
            date(2025, 5, 26),
            date(2025, 6, 19),
            date(2025, 7, 4),
            date(2025, 9, 1),
            date(2025, 11, 27),
            date(2025, 12, 25),
            date(2026, 1, 1),
            date(2026, 1, 19),
            date(2026, 2, 16),
            date(2026, 4, 3),
            date(2026, 5, 25),
            date(2026, 6, 19),
            date(2026, 7, 3),
            date(2026, 9, 7),
            date(2026, 11, 26),
            date(2026, 12, 25),
            date(2027, 1, 1),
            date(2027, 1, 18),
            date(2027, 2, 15),
            date(2027, 3, 26),
            date(2027, 5, 31),
            date(2027, 6, 18),
            date(2027, 7, 5),
            date(2027, 9, 6),
            date(2027, 11, 25),
            date(2027, 12, 24),
            date(2028, 1, 17),
            date(2028, 2, 21),
            date(2028, 4, 14),
            date(2028, 5, 29),
            date(2028, 6, 19),
            date(2028, 7, 4),
            date(2028, 9, 4),
            date(2028, 11, 23),
            date(2028, 12, 25),
        }
    ),
    early={
        date(2025, 7, 3): _ONE,
        date(2025, 11, 28): _ONE,
        date(2025, 12, 24): _ONE,
        date(2026, 11, 27): _ONE,
        date(2026, 12, 24): _ONE,
        date(2027, 11, 26): _ONE,
        date(2028, 7, 3): _ONE,
        date(2028, 11, 24): _ONE,
    },
)
