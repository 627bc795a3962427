"""Counts records that make no sense and says so once in a while, so that nonsense can't flood the log."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from adapters.common.redaction import scrub

_log = logging.getLogger(__name__)


class Anomalies:
    """`counts` holds how many records of each kind were left out since the start."""

    def __init__(self, every_s: float = 60.0, now: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()
        self._every = every_s
        self._now = now
        self._told: dict[str, tuple[float, int]] = {}

    def note(self, kind: str, reason: object, record: object = "") -> None:
        """One more record of a kind was left out; the first and then at most one a minute is logged."""
        self.counts[kind] += 1
        total, now = self.counts[kind], self._now()
        told_at, told_total = self._told.get(kind, (float("-inf"), 0))
        if now - told_at < self._every:
            return
        self._told[kind] = (now, total)
        _log.warning(
            "%d record(s) of %s left out, %d in all; the last one: %s %s",
            total - told_total,
            kind,
            total,
            scrub(reason),
            scrub(record),
        )

    @property
    def total(self) -> int:
        return sum(self.counts.values())
