"""Times as services write them."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.model.market import NANOS


def ns_of(text: str | None, otherwise: int) -> int:
    """An ISO time, UTC where it says no zone, in nanoseconds UTC; `otherwise` for one that makes no sense."""
    try:
        found = datetime.fromisoformat(text or "")
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()) * NANOS
    except (ValueError, OverflowError, OSError):
        return otherwise
