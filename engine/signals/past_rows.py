"""What was known at the closes before: what a model of more than one close is given beside the newest
(docs/models.md#deep-models). The same code picks it live and for training.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from engine.model.market import Timeframe

WINDOW = 12
"""Closes that a deep model looks at, the newest among them."""

Row = TypeVar("Row")


class PastRows(Generic[Row]):
    """Of one instrument, timeframe and side. Only what lies in the newest closes by the clock counts,
    so that a session's pause, a start of the engine and a gap are alike: less is known then.
    """

    def __init__(self, timeframe: Timeframe, most: int = WINDOW) -> None:
        """At most so many closes are asked for at once."""
        self._nanos = timeframe.nanos
        self._kept: deque[tuple[int, Row]] = deque(maxlen=most)

    def add(self, ts: int, row: Row) -> None:
        """Take the row of a close at `ts`, nanoseconds UTC, later than those before; again the same is
        passed over.
        """
        if not self._kept or ts > self._kept[-1][0]:
            self._kept.append((ts, row))

    def before(self, ts: int, window: int = WINDOW) -> Iterator[Row]:
        """Those before the close at `ts` in a window of so many closes that it is in itself, the oldest
        first.
        """
        newest, oldest = ts - self._nanos, ts - window * self._nanos
        return (row for at, row in self._kept if oldest < at <= newest)
