"""A fault that waits for its occasions, and the note of each time that it acted."""

from __future__ import annotations

import asyncio
from random import Random
from typing import NamedTuple

from adapters.simulator.faults.plan import CATALOGUE, Fault


class Acted(NamedTuple):
    """One time that a fault acted."""

    ts: int
    """Venue time, nanoseconds UTC."""
    fault: str
    on: str
    """The call, event, order or moment."""


class Armed:
    """A fault that waits for its occasions."""

    def __init__(self, wanted: Fault, seed: str, now: int) -> None:
        options = wanted.options
        self.fault = wanted
        self.kind = CATALOGUE[wanted.name]
        self.rng = Random(seed)
        self.acted = 0
        """How often it has acted."""
        self._seen = 0
        self._nth, self._times = options.count("nth"), options.count("times")
        self._p = options.number("p")
        self.starts = now + options.nanos("at")
        lasting = options.nanos("lasting")
        self._ends = self.starts + lasting if lasting else None
        self._disarmed = False
        self._news = asyncio.Event()

    def over(self, now: int) -> bool:
        """Whether it will never act again."""
        spent = self._times and self.acted >= self._times
        return bool(self._disarmed or spent or (self._ends is not None and now >= self._ends))

    def disarm(self) -> None:
        """Never act again."""
        self._disarmed = True

    async def happened(self, times: int = 1) -> None:
        """Wait until it has acted so often."""
        while self.acted < times:
            self._news.clear()
            await self._news.wait()

    def strikes(self, now: int) -> bool:
        """Count an occasion; whether the fault acts on it."""
        if now < self.starts or self.over(now):
            return False
        self._seen += 1
        if self._seen < self._nth or (self._p < 1 and self.rng.random() >= self._p):
            return False
        self.acted += 1
        self._news.set()
        return True
