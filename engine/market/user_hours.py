"""The trader's own hours, beside those of the exchange."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.model.market import MINUTE, NANOS

_QUARTER = 15 * MINUTE
_DAY_SECONDS = 86_400


def _utc_offset(ts: int, zone: ZoneInfo) -> int:
    """Seconds that the zone's wall clock is ahead of UTC at `ts`."""
    offset = datetime.fromtimestamp(ts // NANOS, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


class UserHours:
    """The window of the day, on the wall of the user's own zone, in which entries are wanted.

    `start` is in, `end` is out, both "HH:MM"; "24:00" may end the day, and an end before the start runs
    over midnight. It stands beside the exchange's deadlines: the stricter of them wins. Raises ValueError
    for times or zones that don't exist and for an empty window.
    """

    __slots__ = ("_bucket", "_end", "_offset", "_start", "_zone", "end", "start", "zone")

    def __init__(self, start: str, end: str, zone: str) -> None:
        self.start, self.end, self.zone = start, end, zone
        self._start = _second_of_day(start)
        self._end = _second_of_day(end)
        if self._start == self._end or self._start == _DAY_SECONDS:
            raise ValueError(f"trading hours {start} to {end} are empty")
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, OSError, ValueError) as error:
            raise ValueError(f"no time zone is called {zone!r}") from error
        self._bucket = -1
        self._offset = 0

    def open_at(self, ts: int) -> bool:
        """Whether the wall clock stands inside the window."""
        bucket = ts // _QUARTER  # every zone changes its clock on a quarter of a UTC hour
        if bucket != self._bucket:
            self._offset = _utc_offset(bucket * _QUARTER, self._zone)
            self._bucket = bucket
        second = (ts // NANOS + self._offset) % _DAY_SECONDS
        if self._start < self._end:
            return self._start <= second < self._end
        return second >= self._start or second < self._end


def _second_of_day(text: str) -> int:
    hour, colon, minute = text.partition(":")
    if not (colon and len(hour) == 2 and len(minute) == 2 and hour.isdecimal() and minute.isdecimal()):
        raise ValueError(f"{text!r} is not a time of day like 08:30")
    seconds = int(hour) * 3600 + int(minute) * 60
    if int(minute) > 59 or seconds > _DAY_SECONDS:
        raise ValueError(f"{text!r} is not a time of day")
    return seconds
