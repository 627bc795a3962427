"""Timestamps of the wire to integer nanoseconds UTC and back, exactly: no float, no datetime."""

from __future__ import annotations

import re
from datetime import date

NANOS = 1_000_000_000
_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_SHAPE = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_SCALE: tuple[int, ...] = tuple(10 ** (9 - digits) for digits in range(10))
_days: dict[str, int] = {}
_seconds: dict[str, int] = {}
"""Nanoseconds UTC of the newest texts down to the decimal point, as if they had no offset."""
_MOST_SECONDS = 512
_hours: dict[str, int] = {}
"""Nanoseconds UTC at which the newest hours begin, by text ("2026-11-16T14"): history is full of them."""
_UTC = frozenset(("", "Z", "+00:00"))


def parse(text: str) -> int:
    """Nanoseconds UTC of an ISO-8601 time with up to nine fractional digits.

    The gateway sends an offset, seven digits on its streams and up to six in replies; without an offset
    the time is UTC. Raises ValueError.
    """
    start = _seconds.get(text[:20])
    if start is not None and text[-6:] == "+00:00":
        # Nearly every time of a stream, in a second that was read before: only its fraction is new.
        digits = text[20:-6]
        if digits.isdecimal() and digits.isascii() and len(digits) < 10:
            return start + int(digits) * _SCALE[len(digits)]
    hour = _hours.get(text[:13])
    if hour is not None and text[19:] in _UTC and text[13:14] == ":" == text[16:17] and len(text) > 18:
        minute, second = text[14:16], text[17:19]
        if minute.isdecimal() and minute.isascii() and second.isdecimal() and second.isascii():
            minutes, seconds = int(minute), int(second)
            if minutes < 60 and seconds < 60:
                return hour + (minutes * 60 + seconds) * NANOS
    return _parse(text)


def _parse(text: str) -> int:
    """A time in any of its forms; remembers the second that it lies in."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ValueError(f"not a timestamp: {text[:40]!r}")
    day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = shape.groups()
    hours, minutes, seconds = int(hour), int(minute), int(second)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"not a time of day: {text[:40]!r}")
    total = _day_start(day) + hours * 3600 + minutes * 60 + seconds
    if not fraction and text[19:] in _UTC:
        if len(_hours) >= _MOST_SECONDS:
            _hours.clear()
        _hours[text[:13]] = (total - minutes * 60 - seconds) * NANOS
    if fraction:
        if len(_seconds) >= _MOST_SECONDS:
            _seconds.clear()
        _seconds[text[:20]] = total * NANOS
    if sign is not None:
        offset = int(offset_hours) * 3600 + int(offset_minutes) * 60
        total += offset if sign == "-" else -offset
    return total * NANOS + (int(fraction) * _SCALE[len(fraction)] if fraction else 0)


def text(ts: int) -> str:
    """The time as the gateway takes it in requests: UTC, seven digits (its own resolution), rounded down."""
    seconds, nanos = divmod(ts, NANOS)
    days, rest = divmod(seconds, _DAY)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    day = date.fromordinal(days + _EPOCH).isoformat()
    return f"{day}T{hours:02}:{minutes:02}:{seconds:02}.{nanos // 100:07}Z"


def _day_start(day: str) -> int:
    """Seconds UTC at which an ISO date begins; the few dates of a run are remembered."""
    start = _days.get(day)
    if start is None:
        start = (date.fromisoformat(day).toordinal() - _EPOCH) * _DAY
        if len(_days) >= 512:
            _days.clear()
        _days[day] = start
    return start
