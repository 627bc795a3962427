"""The days of an exchange that are not like the others, and the years of which they are known."""

from __future__ import annotations

from datetime import date, time

from msgspec import Struct


class Holidays(Struct, frozen=True):
    """Of one exchange, as data: by trade date, in the exchange's own wall time."""

    years: range
    """Trade dates outside these years have no data: the regular week is assumed for them."""
    closed: frozenset[date]
    early: dict[date, time]
    """Trade dates whose session ends before its regular close."""

    @property
    def known_until(self) -> date:
        """The last trade date with data."""
        return date(self.years.stop - 1, 12, 31)
