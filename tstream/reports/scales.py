"""From values to places: linear scales with round steps, for money and for time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil, floor, log10
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.model.market import NANOS


class Axis(Struct, frozen=True):
    """Maps [low, high] onto [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        return self.start + (value - self.low) / span * (self.end - self.start) if span else self.start


def round_steps(low: float, high: float, about: int) -> list[float]:
    """Round values, evenly spaced, the first at or below `low`, the last at or above `high`."""
    if high <= low:
        low, high = low - 1, high + 1
    rough = (high - low) / max(1, about)
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * n for n in (1, 2, 2.5, 5, 10) if unit * n >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [n * step for n in range(first, last + 1)]


def time_steps(first_ts: int, last_ts: int, zone: str, about: int = 7) -> Iterator[tuple[int, str]]:
    """Instants (nanoseconds UTC) at round times of a zone between two, each with its label."""
    where = ZoneInfo(zone)
    begin, end = (datetime.fromtimestamp(ts / NANOS, where) for ts in (first_ts, last_ts))
    before = first_ts - 1
    for at, label in _round_times(begin, end, about):
        ts = int(at.timestamp()) * NANOS
        if before < ts <= last_ts:  # a time that the clock leaves out in spring is another one again
            yield ts, label
            before = ts


def _round_times(begin: datetime, end: datetime, about: int) -> Iterator[tuple[datetime, str]]:
    hours = (end - begin).total_seconds() / 3600
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    if hours <= 1.5:
        step = next((n for n in (1, 2, 5, 10, 15) if hours * 60 / n <= about), 15)
        yield from ((at, f"{at:%H:%M}") for at in _every(midnight, end, timedelta(minutes=step)))
    elif hours <= 48:
        step = next((n for n in (1, 2, 3, 4, 6, 12) if hours / n <= about), 12)
        for at in _every(midnight, end, timedelta(hours=step)):
            yield at, f"{at:%H:%M}" if at.hour else f"{at.day} {at:%b}"
    elif hours <= 24 * 80:
        step = next((n for n in (1, 2, 7, 14) if hours / 24 / n <= about + 2), 14)
        first = midnight - timedelta(days=begin.weekday() if step >= 7 else 0)
        yield from ((at, f"{at.day} {at:%b}") for at in _every(first, end, timedelta(days=step)))
    else:
        months = hours / 24 / 30.4
        step = next((n for n in (1, 2, 3, 6, 12, 24, 60) if months / n <= about + 1), 120)
        begun = (begin.year * 12 + begin.month - 1) // step * step
        for month in range(begun, end.year * 12 + end.month, step):
            at = datetime(month // 12, month % 12 + 1, 1, tzinfo=begin.tzinfo)
            yield at, f"{at:%Y}" if step >= 12 else f"{at:%b %Y}"


def _every(first: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """By the wall: a day that is an hour shorter has its midnights all the same."""
    while first <= end:
        yield first
        first += step
