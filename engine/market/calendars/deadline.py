"""Until when something may be held that must not sleep over a close, a weekend or a change of contract."""

from __future__ import annotations

from engine.market.calendars.calendar import Calendar


def held_until(calendar: Calendar, ts: int, latest: int) -> int:
    """`latest`, or when positions must be flat or the session of `ts` closes; nanoseconds UTC."""
    day = calendar.trade_date(ts)
    ends = [latest]
    flat_by, close = calendar.flat_by(day), calendar.session_close(day)
    if flat_by is not None:
        ends.append(flat_by)
    if not calendar.is_open(close):  # else it is a midnight at which trading goes on
        ends.append(close)
    return min(ends)
