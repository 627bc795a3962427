"""Gets messages to the channels: a queue and a task for each, so that none waits for another.

Critical news that a channel can't deliver goes to the next one that has not had it (F35).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import structs

from adapters.notify.channels.channel import Channel, HeldError
from adapters.notify.config import Rules
from adapters.notify.content.message import Event, Message
from adapters.notify.content.times import Stamps
from adapters.notify.dispatch.outbox import Alarm, Entry, Outbox
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.notices import Severity

log = logging.getLogger(__name__)

_BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""After the first failure, the second in a row, and so on; up to a quarter is added at random."""
_AGAIN_S = 5.0
"""Until critical news that may have arrived is sent a second and last time."""
_SECOND_TIME = "sent again: the first time there was no answer, so this may be the second copy"


class ChannelState(StrEnum):
    WORKING = "working"
    WAITING = "waiting"
    """The service could not be reached, or asked to be left alone for a while."""
    STOPPED = "stopped"
    """Nothing more is sent there until a person changes something."""


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a channel fares. `detail` says what is wrong, and holds no secret."""

    name: str
    state: ChannelState
    detail: str
    queued: int
    sent: int
    dropped: int
    """Lost because too many messages waited."""
    refused: int
    """Lost because the service did not like them."""
    unsure: int
    """Sent without an answer: they may or may not have arrived."""


@dataclass(slots=True, eq=False)
class _Lane:
    channel: Channel
    outbox: Outbox
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    empty: asyncio.Event = field(default_factory=asyncio.Event)
    state: ChannelState = ChannelState.WORKING
    detail: str = ""
    failures: int = 0
    sent: int = 0
    refused: int = 0
    unsure: int = 0
    confessed: int = 0
    """Dropped messages that have been told of."""


class Dispatcher:
    """Takes messages without ever waiting and brings them out. Needs a running loop from `start` on."""

    def __init__(
        self,
        channels: Sequence[tuple[Channel, Rules]],
        stamps: Stamps,
        *,
        capacity: int = 200,
        repeat_s: float = 60.0,
        escalate_s: float = 10.0,
    ) -> None:
        """The order of `channels` is the order in which they stand in for one another."""
        self._stamps = stamps
        self._escalate_s = escalate_s
        self._lanes = [
            _Lane(channel, Outbox(rules, stamps.brief, capacity=capacity, repeat_s=repeat_s))
            for channel, rules in channels
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._closing = False
        self._deadline = 0.0

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._work(lane), name=f"notify {lane.channel.name}") for lane in self._lanes
        ]

    def post(self, message: Message) -> None:
        """Hand a message to every channel that wants it. Returns at once, whatever their state."""
        if self._closing:
            return
        alarm = Alarm(message) if message.severity is Severity.CRITICAL else None
        for lane in self._lanes:
            if lane.state is not ChannelState.STOPPED and lane.outbox.wants(message):
                self._put(lane, message, alarm)
        if alarm is None:
            return
        if not alarm.addressed:
            self._escalate(alarm)
        else:
            self._watch(alarm)

    def status(self) -> tuple[ChannelStatus, ...]:
        return tuple(
            ChannelStatus(
                lane.channel.name,
                lane.state,
                lane.detail,
                len(lane.outbox),
                lane.sent,
                lane.outbox.dropped,
                lane.refused,
                lane.unsure,
            )
            for lane in self._lanes
        )

    async def close(self, within_s: float) -> None:
        """Send what waits, for so many seconds at the most, and let go of the channels."""
        self._closing = True
        self._deadline = asyncio.get_running_loop().time() + within_s
        for lane in self._lanes:
            lane.outbox.hurry()
            lane.wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while waiting := [lane.empty.wait() for lane in self._lanes if not lane.empty.is_set()]:
                    await asyncio.gather(*waiting)
        for timer in self._timers:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in self._lanes:
            if len(lane.outbox):
                log.warning("%s: %d messages were not sent", lane.channel.name, len(lane.outbox))
            await lane.channel.close()

    # --- one channel -----------------------------------------------------------------------------------

    async def _work(self, lane: _Lane) -> None:
        loop = asyncio.get_running_loop()
        while lane.state is not ChannelState.STOPPED:
            lane.wake.clear()
            wait = lane.outbox.due_in(loop.time())
            if wait == 0.0:
                entry = lane.outbox.take(loop.time())
                if entry is not None:
                    await self._send(lane, entry)
                    continue
            if wait is None or (self._closing and loop.time() + wait > self._deadline):
                lane.empty.set()
            try:
                async with asyncio.timeout(wait):
                    await lane.wake.wait()
            except TimeoutError:
                continue  # something is due now
        lane.empty.set()

    async def _send(self, lane: _Lane, entry: Entry) -> None:
        """Send what is left of a message, and draw the consequences. Raises nothing."""
        now = asyncio.get_running_loop().time
        pause_s = 0.0
        try:
            if entry.parts is None:
                entry.parts = list(lane.channel.parts(entry.message, self._last_line(lane, entry)))
            while entry.parts:
                answer = await lane.channel.deliver(entry.parts[0])
                entry.parts.pop(0)
                pause_s = answer.pause_s
                if pause_s and entry.parts:
                    await asyncio.sleep(pause_s)
        except PortError as error:
            self._failed(lane, entry, error)
        except Exception as error:  # noqa: BLE001 - a bug in one channel stops neither it nor the others
            # No traceback: an address with a token in it may stand in one.
            log.error("%s: a message can't be sent: %s", lane.channel.name, type(error).__name__)
            lane.refused += 1
            self._escalate(entry.alarm)
        else:
            if lane.state is ChannelState.WAITING:
                log.info("%s works again", lane.channel.name)
            lane.state, lane.detail, lane.failures = ChannelState.WORKING, "", 0
            lane.sent += 1
            lane.outbox.sent(entry, now())
            lane.outbox.hold(now() + pause_s)
            if entry.alarm is not None:
                entry.alarm.settled = True

    def _last_line(self, lane: _Lane, entry: Entry) -> str:
        lost = lane.outbox.dropped - lane.confessed
        lane.confessed = lane.outbox.dropped
        told = f" · {lost} messages before it were dropped: too many waited" if lost else ""
        return f"{self._stamps(entry.message)}{told}"

    def _failed(self, lane: _Lane, entry: Entry, error: PortError) -> None:
        now = asyncio.get_running_loop().time()
        match error:
            case FatalError():
                lane.outbox.back(entry, now)
                self._stop(lane, str(error))
                return
            case RefusedError():
                log.error("%s refuses a message: %s", lane.channel.name, error)
                lane.refused += 1
            case UnknownOutcomeError():
                lane.unsure += 1
                if entry.critical and not entry.unsure:
                    entry.unsure = True
                    _confess(entry)
                    lane.outbox.back(entry, now + _AGAIN_S)
                log.warning("%s: a message may not have arrived", lane.channel.name)
                lane.outbox.hold(now + _back_off(lane.failures))
                self._wait(lane, str(error))
            case HeldError():
                lane.outbox.back(entry, now)
                lane.outbox.hold(now + error.after_s)
                self._wait(lane, f"{error}; on hold for {error.after_s:g} s")
            case RetryableError():
                entry.tries += 1
                lane.outbox.back(entry, now)
                lane.outbox.hold(now + _back_off(lane.failures))
                self._wait(lane, str(error))
            case _:
                lane.refused += 1
        self._escalate(entry.alarm)

    def _wait(self, lane: _Lane, detail: str) -> None:
        if lane.failures == 0:
            log.warning("%s", detail)
        lane.failures += 1
        lane.state, lane.detail = ChannelState.WAITING, detail

    def _stop(self, lane: _Lane, why: str) -> None:
        """Nothing more can be sent there: people are told by the log and through the other channels."""
        lane.state, lane.detail = ChannelState.STOPPED, why
        log.error("%s is stopped: %s", lane.channel.name, why)
        stranded = lane.outbox.clear()
        lane.refused += len(stranded)
        for entry in stranded:
            self._escalate(entry.alarm)
        self.post(
            Message(
                event=Event.ERROR,
                severity=Severity.CRITICAL,
                title=f"{lane.channel.name} gets no more messages",
                lines=(why,),
                ts=self._stamps.now(),
                mark="🚨",
                key=f"stopped {lane.channel.name}",
            )
        )

    # --- critical news ---------------------------------------------------------------------------------

    def _put(self, lane: _Lane, message: Message, alarm: Alarm | None) -> None:
        if alarm is not None:
            alarm.addressed.add(lane.channel.name)
        lane.outbox.offer(message, asyncio.get_running_loop().time(), alarm)
        lane.empty.clear()
        lane.wake.set()

    def _escalate(self, alarm: Alarm | None) -> None:
        """Hand critical news that nobody has delivered to the next channel that has not had it."""
        if alarm is None or alarm.settled:
            return
        for lane in self._lanes:
            if lane.state is not ChannelState.STOPPED and lane.channel.name not in alarm.addressed:
                self._put(lane, alarm.message, alarm)
                self._watch(alarm)
                return

    def _watch(self, alarm: Alarm) -> None:
        if self._closing:
            return

        def late() -> None:
            self._timers.discard(timer)
            self._escalate(alarm)

        timer = asyncio.get_running_loop().call_later(self._escalate_s, late)
        self._timers.add(timer)


def _back_off(failures: int) -> float:
    return _BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)] * random.uniform(1.0, 1.25)


def _confess(entry: Entry) -> None:
    """The copy that is sent again says so."""
    entry.parts = None
    entry.message = structs.replace(entry.message, lines=(*entry.message.lines, _SECOND_TIME))
