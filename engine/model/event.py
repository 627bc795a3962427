"""What every event has."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """`ts_venue` decides buckets and dates, `ts_recv` is the core's now: nanoseconds UTC, never back."""

    ts_recv: int
    ts_venue: int = 0
