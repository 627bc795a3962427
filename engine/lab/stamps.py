"""Whether bars look stamped by their open or by their close, from where sessions begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from engine.lab.hours import SessionHours
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import US_EQUITIES
from engine.model.market import Bar

_CLEAR = 4
_SURE = 3.0
"""So many standard deviations of a fair coin: volume is noisy."""


def read_stamps(
    bars: Sequence[Bar], days: Sequence[SessionHours], calendar: Calendar, by_close: bool
) -> tuple[str, str]:
    """ "open", "close" or nothing, and why. `by_close` says what the file's times were taken for.

    A bar that is stamped at a session's close by its open, or at its open by its close, can't be. Where no
    session ends, the burst of volume at the open of the cash market tells: it is in the bar begun then.
    """
    length = bars[0].timeframe.nanos
    stamps = {bar.open_ts + by_close * length: bar.volume for bar in bars}
    breaks = [day for day in days if calendar.is_open(day.open) and not calendar.is_open(day.close)]
    opens = closes = 0
    for day in breaks:
        for begins, ends in _edges(day, calendar):
            first, last = begins in stamps, ends in stamps
            opens += first and begins - length not in stamps and not last
            closes += last and ends + length not in stamps and not first
    asked = f"{len(breaks)} sessions"
    if opens > _CLEAR * closes:
        return "open", f"{opens} of {asked} have a bar at their beginning and none at their end"
    if closes > _CLEAR * opens:
        return "close", f"{closes} of {asked} have a bar at their end and none at their beginning"
    return _burst(stamps, days, calendar, length)


def _edges(day: SessionHours, calendar: Calendar) -> list[tuple[int, int]]:
    """[begin, end) of the session, and of the regular hours in it."""
    found = [(day.open, day.close)]
    regular = _regular_open(day, calendar)
    if regular is not None and regular != day.open:
        found.append((regular, min(calendar.next_phase_change(regular), day.close)))
    return found


def _regular_open(day: SessionHours, calendar: Calendar) -> int | None:
    now = day.open
    while now < day.close:
        if calendar.hhmm(now) == calendar.regular_opens:
            return now
        now = calendar.next_phase_change(now)
    return None


def _burst(
    stamps: dict[int, int], days: Sequence[SessionHours], calendar: Calendar, length: int
) -> tuple[str, str]:
    """By the volume around the open of the cash market: New York's, where the instrument has none itself."""
    before, after = [], []
    for day in days:
        if calendar.regular_opens:
            at = _regular_open(day, calendar)
        else:
            date = US_EQUITIES.trade_date((day.open + day.close) // 2)
            at, closes = US_EQUITIES.session_bounds(date)[0], US_EQUITIES.session_close(date)
            at = at if closes > at else None
        if at is None or at % length:
            continue
        volumes = [stamps.get(at + step * length, 0) for step in (-1, 0, 1)]
        if all(volumes):
            before.append(volumes[1] / volumes[0])
            after.append(volumes[2] / volumes[1])
    earlier = sum(a > b for a, b in zip(before, after, strict=True))
    later = sum(a < b for a, b in zip(before, after, strict=True))
    count = earlier + later
    lead = (earlier - later) / sqrt(count) if count else 0.0
    if lead > _SURE:
        return (
            "open",
            f"on {earlier} of {count} days volume rises in the bar that begins with the cash market",
        )
    if lead < -_SURE:
        return "close", f"on {later} of {count} days volume rises in the bar behind the cash open"
    return "", "neither sessions nor volume tell whether they are stamped by their open or their close"
