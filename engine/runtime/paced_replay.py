"""A replay under the cockpit: virtual time goes on at a chosen pace, and nothing else has a clock.

What is played, and in which order, is the replay's alone: at any pace, and however busy the screen is, it
writes the same journal, unless a person says something in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import suppress

from msgspec import structs

from engine.core import Core
from engine.lab.replay import Replay
from engine.model import events as ev
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand, Shutdown
from engine.model.market import NANOS, Timeframe
from engine.model.notices import Notice
from engine.model.view import HealthView, View
from engine.runtime.commands import Commands
from engine.runtime.pictures import Pictures

log = logging.getLogger(__name__)

_BREATH_S = 0.005
"""So long a stretch is played before pictures and commands have their turn, real seconds."""
_LOOKS = 64
"""Steps between two looks at the real time, where play does not wait for it."""
_LATE_S = 1.0
"""A machine that is slower than the pace by so much is not asked to catch up."""
ENDED = "ended"

Steps = Generator[int, int | None, None]


class PacedReplay:
    """An EngineHandle. What is not of it belongs to the thread of the event loop that `main` runs on."""

    def __init__(
        self,
        core: Core,
        replay: Replay,
        steps: Steps,
        speed: float | None,
        *,
        since: int = 0,
        is_open: Callable[[int], bool] = lambda ts: True,
    ) -> None:
        """`steps` are `replay.stepwise`, not begun. `speed` is virtual seconds a real one, None as fast as it
        goes. Up to `since` (nanoseconds UTC), and while no market `is_open`, time passes at once.
        """
        self._core = core
        self._replay = replay
        self._steps = steps
        self._speed = speed
        self._since = since
        self._is_open = is_open
        self._pace = "max" if speed is None else f"×{speed:g}"
        self._commands = Commands(self._take)
        self._pictures = Pictures(core, self._health, self._virtual)
        self._told: list[AnyCommand] = []
        self._wake = asyncio.Event()
        self._stopping = False
        self._over = False
        self._next = 0
        """Virtual time at which play goes on, nanoseconds UTC."""
        self._anchor: tuple[float, int] | None = None
        """A real time, seconds of the loop, and the virtual one that was reached then."""
        self._shown: tuple[View, str, View] | None = None

    # --- the handle: any thread ------------------------------------------------------------------------

    def view(self) -> View:
        pace, view = self._pace, self._pictures.view()  # in this order: an ended one is shown as it ended
        shown = self._shown
        if shown is None or shown[0] is not view or shown[1] != pace:
            shown = self._shown = view, pace, structs.replace(view, replay=pace)
        return shown[2]

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return self._pictures.chart(instrument, timeframe)

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        self._pictures.load_older(instrument, timeframe)

    def notices(self, after_seq: int) -> Sequence[Notice]:
        return [notice for notice in self._pictures.view().notices if notice.seq > after_seq]

    def ask(self, command: AnyCommand) -> Future[Notice]:
        return self._commands.ask(command)

    # --- the loop --------------------------------------------------------------------------------------

    async def main(self) -> None:
        """Play to the end, and stay to be looked at, until a Shutdown command."""
        self._commands.begin(asyncio.get_running_loop())
        pictures = asyncio.create_task(self._pictures.run(), name="pictures")
        try:
            await self._play()
            self._over = True
            self._pictures.renew()  # whoever sees that it has ended sees how
            self._pace = ENDED
            log.info("the recording has ended")
            while not self._stopping:
                self._wake.clear()
                await self._wake.wait()
        finally:
            pictures.cancel()
            await asyncio.gather(pictures, return_exceptions=True)
            self._steps.close()
            self._commands.end()
            self._pictures.renew()

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(StopIteration):
            self._next = next(self._steps)
            breath, steps = loop.time(), 0
            while not self._stopping:
                reached = self._next
                if self._paced(reached):
                    reached = await self._wait(loop, reached)
                steps += 1
                if steps % _LOOKS == 0 and loop.time() - breath > _BREATH_S:
                    await asyncio.sleep(0)
                    breath = loop.time()
                if self._told:
                    self._next = self._answered(reached)
                else:
                    self._next = self._steps.send(reached)

    def _paced(self, now: int) -> bool:
        if self._speed is not None and now >= self._since and self._is_open(self._replay.now):
            return True
        self._anchor = None
        return False

    async def _wait(self, loop: asyncio.AbstractEventLoop, now: int) -> int:
        """Until it is `now` in virtual time, or somebody says something; the virtual time then."""
        assert self._speed is not None
        if self._anchor is None:
            self._anchor = loop.time(), self._replay.now
        real, virtual = self._anchor
        left = real + (now - virtual) / NANOS / self._speed - loop.time()
        if left < -_LATE_S:
            self._anchor = loop.time(), now
        if left <= 0:
            return now
        self._wake.clear()
        if not self._told and not self._stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), left)
                return min(now, self._virtual())
        return now

    def _virtual(self) -> int:
        """What time it is: between two steps it passes too."""
        if self._anchor is None or self._speed is None or self._over:
            return self._replay.now
        real, virtual = self._anchor
        passed = asyncio.get_running_loop().time() - real
        return max(self._replay.now, min(self._next, virtual + int(passed * self._speed * NANOS)))

    def _take(self, command: AnyCommand) -> None:
        if isinstance(command, Shutdown):
            self._stopping = True
            self._commands.refused(command, "the replay ends")
        elif self._over:
            self._commands.refused(command, "the recording has ended: nothing trades any more")
        else:
            self._told.append(command)
        self._wake.set()

    def _answered(self, reached: int) -> int:
        """Let the core hear the commands at `reached`, and play on; gives when that goes on."""
        told, self._told = self._told, []
        for command in told:
            self._replay.tell(ev.CommandReceived(ts_recv=max(reached, self._replay.now), command=command))
        turn = self._core.turn
        before = turn.noticed
        try:
            return self._steps.send(reached)
        finally:
            said = [notice for notice in turn.notices if notice.seq > before]
            for command in told:
                self._commands.taken(command, said)

    def _health(self) -> HealthView:
        return HealthView(
            ok=True, detail="", prints=self._core.market.prints, counts=dict(self._core.turn.counts)
        )
