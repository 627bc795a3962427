"""A replay under the cockpit: virtual time goes on at a chosen pace, and nothing else has a clock.

What is played, and in which order, is the replay's alone: at any pace, however often it was held, and however
busy the screen is, it writes the same journal, unless a person commands something in between. Commands are
kept with the step in which they were heard: going back plays all of it anew, with those of before.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from msgspec import structs

from engine.core import Core
from engine.lab.replay import Replay
from engine.model import events as ev
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand, Shutdown
from engine.model.depth import DepthView, TapeView
from engine.model.equity import EquityHistory
from engine.model.market import NANOS, Timeframe
from engine.model.notices import Notice
from engine.model.playing import (
    Advance,
    HoldPlay,
    PlayingView,
    PlayWish,
    SeekPlay,
    SetPace,
    StepPlay,
    next_pace,
)
from engine.model.questions import Question, Reply
from engine.model.view import HealthView, View
from engine.runtime.commands import Commands
from engine.runtime.pictures import Pictures
from engine.runtime.questions import Questions

log = logging.getLogger(__name__)

_BREATH_S = 0.005
"""So long a stretch is played before pictures and commands have their turn, real seconds."""
_LOOKS = 64
"""Steps between two looks at the real time, where play does not wait for it."""
_LATE_S = 1.0
"""A machine that is slower than the pace by so much is not asked to catch up."""
ENDED = "ended"

Steps = Generator[int, int | None, None]


class Play(NamedTuple):
    """One playing of the recording, not begun."""

    core: Core
    replay: Replay
    steps: Steps
    """Of `Replay.stepwise`."""


class _Heard(NamedTuple):
    """A command of a person, and when it was heard."""

    step: int
    """In which step of the play,"""
    ts: int
    """and at which virtual time, nanoseconds UTC."""
    command: AnyCommand


class PacedReplay:
    """An EngineHandle. What is not of it belongs to the thread of the event loop that `main` runs on."""

    def __init__(
        self,
        begin: Callable[[], Play],
        speed: float | None,
        *,
        since: int = 0,
        span: tuple[int, int] = (0, 0),
        is_open: Callable[[int], bool] = lambda ts: True,
    ) -> None:
        """`begin` gives the play from its beginning, with a journal of its own: what was written before is
        not wanted any more. `speed` is virtual seconds a real one, None as fast as it goes. Up to `since`
        (nanoseconds UTC), and while no market `is_open`, time passes at once. `span` is what of the time is
        recorded.
        """
        self._begin = begin
        self._speed = speed
        self._since = since
        self._span = span
        self._is_open = is_open
        self._behind = since > span[0]
        self._commands = Commands(self._take)
        self._questions = Questions(lambda: self._play.core)
        self._told: list[AnyCommand] = []
        self._heard: list[_Heard] = []
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._over = False
        self._paused = False
        self._goal: SeekPlay | StepPlay | None = None
        """Time passes at once until it is reached."""
        self._mark: object = None
        """What a step has to change."""
        self._back: SeekPlay | None = None
        """A time that is over already: to be reached from the beginning."""
        self._run = 0
        self._next = 0
        """Virtual time at which play goes on, nanoseconds UTC."""
        self._anchor: tuple[float, int] | None = None
        """A real time, seconds of the loop, and the virtual one that was reached then."""
        self._still = 0
        """The virtual time while it stands still."""
        self._older = 0
        """Versions of the pictures of earlier plays."""
        self._play = begin()
        self._pictures = self._drawn()
        self._state = self._standing()
        self._shown: tuple[View, tuple[str, PlayingView], View] | None = None

    @property
    def core(self) -> Core:
        """Of the play that goes on."""
        return self._play.core

    # --- the handle: any thread ------------------------------------------------------------------------

    def view(self) -> View:
        state, view = self._state, self._pictures.view()  # in this order: an ended one is shown as it ended
        shown = self._shown
        if shown is None or shown[0] is not view or shown[1] != state:
            told = structs.replace(
                view, version=self._older + view.version, replay=state[0], playing=state[1]
            )
            shown = self._shown = view, state, told
        return shown[2]

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return self._pictures.chart(instrument, timeframe)

    def depth(self, instrument: str) -> DepthView | None:
        return self._pictures.looking.depth(instrument)

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        return self._pictures.looking.tape(instrument, timeframe)

    def equity(self, book: str) -> EquityHistory | None:
        return self._pictures.equity(book)

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        self._pictures.load_older(instrument, timeframe)

    def look_up(self, question: Question) -> Future[Reply]:
        return self._questions.ask(question)

    def notices(self, after_seq: int) -> Sequence[Notice]:
        return [notice for notice in self._pictures.view().notices if notice.seq > after_seq]

    def ask(self, command: AnyCommand) -> Future[Notice]:
        return self._commands.ask(command)

    def control(self, wish: PlayWish) -> None:
        """See `ReplayControls`."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._wish, wish)

    # --- the loop --------------------------------------------------------------------------------------

    async def main(self) -> None:
        """Play to the end, and stay to be looked at, until a Shutdown command."""
        self._loop = asyncio.get_running_loop()
        self._commands.begin(self._loop)
        self._questions.begin(self._loop)
        pictures = asyncio.create_task(self._pictures.run(), name="pictures")
        try:
            while True:
                await self._run_play()
                if self._stopping:
                    return
                if self._back is None:
                    await self._stay()
                if self._stopping or self._back is None:
                    return
                pictures.cancel()
                await asyncio.gather(pictures, return_exceptions=True)
                self._begin_anew(self._back)
                pictures = asyncio.create_task(self._pictures.run(), name="pictures")
        finally:
            pictures.cancel()
            await asyncio.gather(pictures, return_exceptions=True)
            self._play.steps.close()
            self._commands.end()
            self._pictures.renew()

    async def _stay(self) -> None:
        """The recording has ended: to be looked at, until somebody leaves or goes back."""
        self._over, self._goal = True, None
        self._pictures.renew()  # whoever sees that it has ended sees how
        self._restate()
        log.info("the recording has ended")
        while not self._stopping and self._back is None:
            self._wake.clear()
            await self._wake.wait()

    def _begin_anew(self, goal: SeekPlay) -> None:
        """From the beginning to the goal, with what was commanded up to then."""
        self._heard = [heard for heard in self._heard if heard.ts <= goal.ts]
        self._play.steps.close()
        self._older += self._pictures.view().version
        self._run += 1
        self._over, self._anchor, self._back, self._next = False, None, None, 0
        self._since = min(self._since, goal.ts)
        self._play = self._begin()
        self._pictures = self._drawn()
        self._goal, self._paused = goal, True
        self._restate()

    async def _run_play(self) -> None:
        """To the end, or until an earlier time is wanted."""
        loop = asyncio.get_running_loop()
        steps, again = self._play.steps, deque(self._heard)
        with suppress(StopIteration):
            self._next = next(steps)
            breath, count = loop.time(), 0
            while not self._stopping and self._back is None:
                reached, known = self._next, []
                while again and again[0].step == count:
                    known.append(again.popleft())
                if known:
                    reached = known[0].ts
                elif self._waits(reached):
                    reached = await self._wait(loop, reached)
                    if self._stopping or self._back is not None:
                        return
                count += 1
                if count % _LOOKS == 0 and loop.time() - breath > _BREATH_S:
                    await asyncio.sleep(0)
                    breath = loop.time()
                if known:
                    self._next = self._repeated(known, reached)
                elif self._told:
                    self._next = self._answered(count - 1, reached)
                else:
                    self._next = steps.send(reached)

    def _waits(self, due: int) -> bool:
        """Whether time may not go on to `due` at once."""
        if self._behind and due >= self._since:
            self._behind = False
            self._pictures.renew()  # the first that is watched is no older
            self._restate()
        if self._goal is not None and self._reached(self._goal, due):
            self._stand_still(self._goal.ts if isinstance(self._goal, SeekPlay) else self._play.replay.now)
        if self._goal is None:
            if self._paused:
                return True
            if self._speed is not None and due >= self._since and self._is_open(self._play.replay.now):
                return True
        self._anchor = None
        return False

    def _reached(self, goal: SeekPlay | StepPlay, due: int) -> bool:
        return due > goal.ts if isinstance(goal, SeekPlay) else self._seen(goal) != self._mark

    def _seen(self, step: StepPlay) -> object:
        """What is other once a step has been made."""
        market = self._play.core.market
        if step.by is Advance.PRINT:
            told = [market.bars.bars(one, Timeframe.M1) for one in self._play.core.instruments]
            return market.prints or [bars[-1].open_ts if bars else 0 for bars in told]
        bars = market.bars.bars(step.instrument, step.timeframe)
        return bars[-1].open_ts if bars else 0

    def _stand_still(self, ts: int) -> None:
        """At a virtual time, which is never beyond what comes next."""
        self._goal, self._anchor, self._paused = None, None, True
        self._still = max(self._play.replay.now, min(ts, self._next))
        self._pictures.renew()
        self._restate()

    async def _wait(self, loop: asyncio.AbstractEventLoop, due: int) -> int:
        """Until it is `due` in virtual time, or somebody commands something; the virtual time then."""
        while not self._stopping and self._back is None:
            if self._told:
                return min(due, self._virtual())
            if not self._waits(due):
                return due
            left = None
            if not self._paused:
                assert self._speed is not None
                if self._anchor is None:
                    self._anchor = loop.time(), max(self._still, self._play.replay.now)
                real, virtual = self._anchor
                left = real + (due - virtual) / NANOS / self._speed - loop.time()
                if left < -_LATE_S:
                    self._anchor = loop.time(), due
                if left <= 0:
                    return due
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), left)
        return due

    def _virtual(self) -> int:
        """What time it is: between two steps it passes too."""
        now = self._play.replay.now
        if self._over or self._goal is not None:
            return now
        if self._paused:
            return max(now, self._still)
        if self._anchor is None or self._speed is None:
            return now
        real, virtual = self._anchor
        passed = asyncio.get_running_loop().time() - real
        return max(now, min(self._next, virtual + int(passed * self._speed * NANOS)))

    # --- what people say -------------------------------------------------------------------------------

    def _take(self, command: AnyCommand) -> None:
        if isinstance(command, Shutdown):
            self._stopping = True
            self._commands.refused(command, "the replay ends")
        elif self._over:
            self._commands.refused(command, "the recording has ended: nothing trades any more")
        elif isinstance(self._goal, SeekPlay) or self._back is not None:
            self._commands.refused(command, "the replay is on its way to another time")
        else:
            self._told.append(command)
        self._wake.set()

    def _wish(self, wish: PlayWish) -> None:
        """What was asked of time, nanoseconds UTC; nothing of it is told to the core."""
        now = self._virtual()
        match wish:
            case SetPace():
                self._speed, self._anchor = next_pace(self._speed, faster=wish.faster), None
                self._still = now
            case HoldPlay():
                self._goal, self._anchor, self._still, self._paused = None, None, now, wish.paused
            case StepPlay() if not self._over:
                self._goal, self._paused = wish, True
                self._mark = self._seen(wish)
            case SeekPlay():
                if wish.ts < now:
                    self._back = wish
                elif not self._over:
                    self._goal, self._paused = wish, True
        self._restate()
        self._wake.set()

    def _answered(self, step: int, reached: int) -> int:
        """Let the core hear the commands at `reached`, and play on; gives when that goes on."""
        told, self._told = self._told, []
        self._heard += [_Heard(step, reached, command) for command in told]
        turn = self._play.core.turn
        before = turn.noticed
        try:
            return self._hear(told, reached)
        finally:
            said = [notice for notice in turn.notices if notice.seq > before]
            for command in told:
                self._commands.taken(command, said)

    def _repeated(self, known: Sequence[_Heard], reached: int) -> int:
        """The same for what was commanded in an earlier play, and answered then."""
        return self._hear([heard.command for heard in known], reached)

    def _hear(self, told: Sequence[AnyCommand], reached: int) -> int:
        replay = self._play.replay
        for command in told:
            replay.tell(ev.CommandReceived(ts_recv=max(reached, replay.now), command=command))
        return self._play.steps.send(reached)

    # --- what is seen ----------------------------------------------------------------------------------

    def _drawn(self) -> Pictures:
        return Pictures(self._play.core, self._health, self._virtual)

    def _restate(self) -> None:
        self._state = self._standing()

    def _standing(self) -> tuple[str, PlayingView]:
        goal = self._back or self._goal
        until = goal.ts if isinstance(goal, SeekPlay) else self._since if self._behind else 0
        playing = PlayingView(*self._span, self._paused, self._run, 0 if self._over else until)
        return ENDED if self._over else playing.pace(self._speed), playing

    def _health(self) -> HealthView:
        turn, prints = self._play.core.turn, self._play.core.market.prints
        return HealthView(ok=True, journal_seq=turn.committed, prints=prints, counts=dict(turn.counts))
