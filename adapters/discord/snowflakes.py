"""Times in Discord's ids and stamps (docs/protocols/discord.md#snowflakes)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH_MS = 1_420_070_400_000
"""2015-01-01 UTC."""

MS = 1_000_000
"""Nanoseconds."""

_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)


def born(snowflake: int) -> int:
    """When an id was given, nanoseconds UTC, to the millisecond."""
    return ((snowflake >> 22) + EPOCH_MS) * MS


def at(ts: int) -> int:
    """The least id that can be given at a time, nanoseconds UTC."""
    return max(0, ts // MS - EPOCH_MS) << 22


def stamp(text: str | None) -> int:
    """An ISO 8601 stamp in nanoseconds UTC; 0 for none and for what is no stamp."""
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _ORIGIN) // timedelta(microseconds=1) * 1_000
