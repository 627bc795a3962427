"""Faults that wait for their occasions, and the log of each time that one acted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from adapters.simulator.exchange.clock import Schedule
from adapters.simulator.fault_plan.plan import ANY, Fault, FaultOptions, FaultyAccount, Seam, Value
from engine.ports import Clock

log = logging.getLogger(__name__)


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
        self.kind = wanted.kind
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
        self._happened = asyncio.Event()

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
            self._happened.clear()
            await self._happened.wait()

    def acts(self, now: int) -> bool:
        """Count an occasion; whether the fault acts on it."""
        if now < self.starts or self.over(now):
            return False
        self._seen += 1
        if self._seen < self._nth or (self._p < 1 and self.rng.random() >= self._p):
            return False
        self.acted += 1
        self._happened.set()
        return True


class ArmedFaults:
    """Every armed fault of a venue, by where it acts. With the same seed the same occasions act alike."""

    def __init__(self, seed: int, clock: Clock, schedule: Schedule) -> None:
        self.log: list[Acted] = []
        """Whatever acted, oldest first."""
        self._seed = seed
        self.clock = clock
        self.schedule = schedule
        self._given = 0
        self._by_seam: dict[Seam, list[Armed]] = {seam: [] for seam in Seam}

    def arm(self, wanted: Fault, now: int) -> Armed:
        """Arm a fault; those of its seam that are over are forgotten."""
        armed = Armed(wanted, f"{self._seed}:{self._given}:{wanted.name}", now)
        self._given += 1
        found = self._by_seam[armed.kind.seam]
        found[:] = [one for one in found if not one.over(now)] + [armed]
        return armed

    def at(self, seam: Seam) -> Sequence[Armed]:
        """The faults armed at a seam, some of them over."""
        return self._by_seam[seam]

    def pending(self) -> Sequence[Armed]:
        """The faults that may still act."""
        now = self.clock()
        return tuple(armed for found in self._by_seam.values() for armed in found if not armed.over(now))

    def clear(self) -> None:
        """Disarm every fault."""
        for found in self._by_seam.values():
            for armed in found:
                armed.disarm()
            found.clear()

    def acting(
        self,
        seam: Seam,
        on: str,
        about: FaultyAccount | None,
        fits: Callable[[FaultOptions], bool] = bool,
        /,
        **facts: Value,
    ) -> Sequence[Armed]:
        """The faults of a seam that act on an occasion, `on` for the log.

        An occasion is none for a fault whose options say something else than the facts, or name another
        account than the one that it is about; text that is empty or "any", and 0, say nothing.
        """
        now = self.clock()
        found = []
        for one in self._by_seam[seam]:
            options = one.fault.options
            said = (options.values.get(key, ANY) in (ANY, "", 0, fact) for key, fact in facts.items())
            if all(said) and options.about(about) and fits(options) and one.acts(now):
                self.note(one, now, on)
                found.append(one)
        return found

    def note(self, armed: Armed, now: int, on: str) -> None:
        """Put into the log that a fault acts."""
        self.log.append(Acted(now, armed.fault.name, on))
        level = logging.WARNING if armed.acted == 1 else logging.INFO
        log.log(level, "fault %s acts on %s", armed.fault, on)
