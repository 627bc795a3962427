"""The practice venues of a run: processes that share one practice time, watched as long as the run lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from adapters.common.steady import passing_ns
from adapters.simulator.process import Ready
from engine.model.errors import FatalError
from engine.model.events import AnyEvent, LinkChanged, LinkState
from engine.model.market import NANOS
from tstream.clock import RunClock
from tstream.run.practice import PracticeProcess

WATCH_S = 0.25
RESTARTS = 20
"""So often at the most a practice venue that ends by itself is started again in one run."""
RESTART_NS = 2 * NANOS
"""So much real time is given to a practice venue to start again, in which practice time goes on."""
LINK = "practice venue"
_NOTICE_NS = 50_000_000
"""Held practice time goes on so long after we have told the venues, real nanoseconds."""

Hear = Callable[[LinkChanged], None]


class PracticeVenues:
    """Starts them, the first by itself and the others beside it, and starts again what ends."""

    def __init__(self, processes: Mapping[str, PracticeProcess], clock: RunClock) -> None:
        """By the venues' names; the first is started already."""
        self._processes = processes
        self._clock = clock
        self._ready: dict[str, Ready] = {}
        self.failed: dict[str, str] = {}
        """Those that did not start, and why."""

    @property
    def speed(self) -> float:
        """How fast practice time runs."""
        return next((ready.rate for ready in self._ready.values()), 1.0)

    @property
    def names(self) -> tuple[str, ...]:
        """The venues that listen."""
        return tuple(self._ready)

    @property
    def first(self) -> Ready | None:
        """What the first one said that stands; None where there is none."""
        return next(iter(self._ready.values()), None)

    async def start(self) -> Mapping[str, Ready]:
        """Wait until all listen that can; what they said. Raises FatalError where none of them does."""
        for name, process in self._processes.items():
            try:
                if not process.started:
                    process.start(self.first)
                # the first alone sets our clock: a fault is on the machine, whichever venue has it
                ready = await process.ready(self._clock.set_by)
            except FatalError as error:
                self.failed[name] = str(error)
                continue
            if not self._ready:
                self._clock.follow(ready.clock.at)
            self._ready[name] = ready
        if self._processes and not self._ready:
            raise FatalError(next(iter(self.failed.values())))
        return self._ready

    def release(self) -> None:
        """Let held practice time go on, in all of them at one instant."""
        soon = passing_ns() + _NOTICE_NS
        for name in self._ready:
            if (ready := self._processes[name].release(soon)) is not None:
                self._ready[name] = ready
                self._clock.follow(ready.clock.at)

    async def watch(self, hear: Hear) -> None:
        """Start again what ends by itself, and say so; for as long as the run lasts."""
        for name, why in self.failed.items():
            down = partial(LinkChanged, ts_recv=self._clock(), link=LINK, venue=name, state=LinkState.DOWN)
            hear(down(detail=f"it did not start: {why}"))
        async with asyncio.TaskGroup() as group:
            for name in self._ready:
                group.create_task(self._watch(name, hear))

    async def _watch(self, name: str, hear: Hear) -> None:
        process = self._processes[name]
        venue = name if len(self._processes) > 1 else ""
        for _ in range(RESTARTS):
            while not (how := process.ended):  # noqa: ASYNC110 - a child process tells nobody
                await asyncio.sleep(WATCH_S)
            say = partial(LinkChanged, ts_recv=self._clock(), link=LINK, venue=venue)
            told = f"its process has ended ({how})"
            since = self._clock() + round(RESTART_NS * self.speed)
            beside = self._ready[name] if len(self._processes) > 1 else None
            try:
                if not process.start_again(since, beside):
                    hear(say(state=LinkState.DOWN, detail=f"{told}: end tstream and start it again"))
                    return
                hear(say(state=LinkState.DOWN, detail=f"{told}, it is started again"))
                ready = await process.ready(self._clock.set_by)
            except FatalError as error:
                hear(say(state=LinkState.DOWN, detail=f"{told} and does not start again: {error}"))
                return
            self._ready[name] = ready
            self._clock.follow(ready.clock.at)
            hear(replace(say(state=LinkState.LIVE, detail="started again"), ts_recv=self._clock()))


class FirstSight:
    """Hears events until market and accounts are seen for the first time: then practice time may go on."""

    def __init__(
        self, then: Callable[[], None], venues: Sequence[str] = (), books: Sequence[str] | None = None
    ) -> None:
        """What is waited for, by name; None is any book. Of several nobody waits for one that is down."""
        self._then = then
        self._several = len(venues) > 1
        self._missing = {("market", venue) for venue in venues or ("",)}
        self._missing |= {("user", book) for book in (("",) if books is None else books)}

    def hear(self, event: AnyEvent) -> None:
        """Take in an event."""
        if not self._missing or not isinstance(event, LinkChanged):
            return
        if event.state is LinkState.CONNECTING or event.link not in ("market", "user"):
            return
        if event.state is not LinkState.LIVE and not self._several:
            return
        name = event.venue if event.link == "market" else event.book or ""
        seen = {(event.link, name)} if name else {one for one in self._missing if one[0] == event.link}
        self._missing -= seen
        if not self._missing:
            self._then()
