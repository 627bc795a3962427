"""The mood of texts on its way into the journal: what is told often is written down together."""

from __future__ import annotations

from math import isfinite

from engine.model import records as r
from engine.model.events import MoodTold
from engine.model.market import MINUTE
from engine.signals.mood import MOST_SOURCES, MOST_WEIGHT
from engine.state.turn import Turn

EVERY = MINUTE
"""What a source says of an instrument within so long is one record, unless it is asked for before."""


class MoodsTold:
    """Of one run. Mood is what the fold knows: nothing counts that is not written down."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._told: dict[tuple[str, str], int] = {}
        """When the newest record of a source and an instrument was written, by the core's time."""
        self._held: dict[tuple[str, str], r.MoodHeard] = {}
        """What was told since."""

    def hear(self, event: MoodTold) -> None:
        """Take a telling. Nonsense from outside counts for nothing."""
        if not (isfinite(event.score) and isfinite(event.weight)) or event.weight <= 0:
            return
        key = event.source[:40], event.instrument[:40]
        told = r.MoodHeard(
            ts=self._turn.now,
            source=key[0],
            instrument=key[1],
            score=round(max(-1.0, min(1.0, event.score)), 4),
            weight=round(min(MOST_WEIGHT, event.weight), 4),
            told_ts=min(event.ts_venue or event.ts_recv, event.ts_recv),
        )
        self._held[key] = together(self._held.get(key), told)
        now = self._turn.now
        if now - self._told.get(key, -EVERY) >= EVERY or len(self._held) > MOST_SOURCES:
            self.settle()

    def tend(self) -> None:
        """Write down what has been held for long enough. Cheap where there is nothing."""
        now = self._turn.now
        if self._held and any(now - self._told.get(key, 0) >= EVERY for key in self._held):
            self.settle()

    def settle(self) -> None:
        """Write all of it down now: somebody wants to know."""
        if not self._held:
            return
        held, self._held = self._held, {}
        now = self._turn.now
        self._told = {key: ts for key, ts in self._told.items() if now - ts < EVERY}
        for key, told in held.items():
            self._told[key] = now
            self._turn.commit(told)


def together(before: r.MoodHeard | None, newer: r.MoodHeard) -> r.MoodHeard:
    """Two tellings of one source and instrument as one."""
    if before is None:
        return newer
    weight = before.weight + newer.weight
    score = (before.score * before.weight + newer.score * newer.weight) / weight
    return r.MoodHeard(
        ts=newer.ts,
        source=newer.source,
        instrument=newer.instrument,
        score=round(score, 4),
        weight=round(min(MOST_WEIGHT, weight), 4),
        told_ts=max(before.told_ts, newer.told_ts),
    )
