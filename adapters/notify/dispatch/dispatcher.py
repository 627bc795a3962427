"""Gets messages to the channels: a queue and a task for each, so that none waits for another.

Critical news that a channel can't deliver goes to the next one that has not had it (F35).
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import structs

from adapters.common.pacing import Backoff
from adapters.notify.channels.channel import Channel, RateLimitedError
from adapters.notify.config import Rules
from adapters.notify.content.formats import TimeFormat
from adapters.notify.content.message import Message, NewsEvent
from adapters.notify.dispatch.outbox import Entry, Escalation, Outbox
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.notices import Severity

log = logging.getLogger(__name__)

BACKOFF_S = 1.0, 60.0
"""Pauses after failures in a row: the first, and the longest."""
_AGAIN_S = 5.0
"""Until critical news that may have arrived is sent a second and last time."""
_SECOND_TIME = "sent again: the first time there was no answer, so this may be the second copy"


class ChannelState(StrEnum):
    WORKING = "working"
    WAITING = "waiting"
    """The service could not be reached, or asked to be left alone for a while."""
    STOPPED = "stopped"
    """Nothing more is sent there until a person changes something."""


@dataclass(slots=True, eq=False)
class ChannelQueue:
    """One channel, what waits for it, and how it fares."""

    channel: Channel
    outbox: Outbox
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    empty: asyncio.Event = field(default_factory=asyncio.Event)
    state: ChannelState = ChannelState.WORKING
    detail: str = ""
    """What is wrong, without secrets."""
    backoff: Backoff = field(default_factory=lambda: Backoff(*BACKOFF_S))
    sent: int = 0
    refused: int = 0
    """Lost because the service did not like them."""
    unconfirmed: int = 0
    """Sent without an answer: they may or may not have arrived."""
    drops_told: int = 0
    """Dropped messages that have been told of."""


class Dispatcher:
    """Takes messages without ever waiting and brings them out. Needs a running loop from `start` on."""

    def __init__(
        self,
        channels: Sequence[tuple[Channel, Rules]],
        times: TimeFormat,
        *,
        capacity: int = 200,
        repeat_s: float = 60.0,
        escalate_s: float = 10.0,
    ) -> None:
        """The order of `channels` is the order in which they stand in for one another."""
        self._times = times
        self._escalate_s = escalate_s
        self.queues: Sequence[ChannelQueue] = [
            ChannelQueue(channel, Outbox(rules, times.one_line, capacity=capacity, repeat_s=repeat_s))
            for channel, rules in channels
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._closing = False
        self._deadline = 0.0

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._work(queue), name=f"notify {queue.channel.name}")
            for queue in self.queues
        ]

    def post(self, message: Message) -> None:
        """Hand a message to every channel that wants it. Returns at once, whatever their state."""
        if self._closing:
            return
        escalation = Escalation(message) if message.severity is Severity.CRITICAL else None
        for queue in self.queues:
            if queue.state is not ChannelState.STOPPED and queue.outbox.wants(message):
                self._put(queue, message, escalation)
        if escalation is None:
            return
        if not escalation.channels:
            self._escalate(escalation)
        else:
            self._watch(escalation)

    async def close(self, within_s: float) -> None:
        """Send what waits, for so many seconds at the most, and let go of the channels."""
        self._closing = True
        self._deadline = asyncio.get_running_loop().time() + within_s
        for queue in self.queues:
            queue.outbox.drop_pacing()
            queue.wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while waiting := [queue.empty.wait() for queue in self.queues if not queue.empty.is_set()]:
                    await asyncio.gather(*waiting)
        for timer in self._timers:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for queue in self.queues:
            if len(queue.outbox):
                log.warning("%s: %d messages were not sent", queue.channel.name, len(queue.outbox))
            await queue.channel.close()

    # --- one channel -----------------------------------------------------------------------------------

    async def _work(self, queue: ChannelQueue) -> None:
        loop = asyncio.get_running_loop()
        while queue.state is not ChannelState.STOPPED:
            queue.wake.clear()
            wait = queue.outbox.due_in(loop.time())
            if wait == 0.0:
                entry = queue.outbox.take(loop.time())
                if entry is not None:
                    await self._send(queue, entry)
                    continue
            if wait is None or (self._closing and loop.time() + wait > self._deadline):
                queue.empty.set()
            try:
                async with asyncio.timeout(wait):
                    await queue.wake.wait()
            except TimeoutError:
                continue  # something is due now
        queue.empty.set()

    async def _send(self, queue: ChannelQueue, entry: Entry) -> None:
        """Send what is left of a message, and draw the consequences. Raises nothing."""
        now = asyncio.get_running_loop().time
        pause_s = 0.0
        try:
            if entry.payloads is None:
                entry.payloads = list(queue.channel.payloads(entry.message, self._last_line(queue, entry)))
            while entry.payloads:
                answer = await queue.channel.deliver(entry.payloads[0])
                entry.payloads.pop(0)
                pause_s = answer.pause_s
                if pause_s and entry.payloads:
                    await asyncio.sleep(pause_s)
        except PortError as error:
            self._failed(queue, entry, error)
        except Exception as error:  # noqa: BLE001 - a bug in one channel stops neither it nor the others
            # No traceback: an address with a token in it may stand in one.
            log.error("%s: a message is left out: a fault of tstream's own in making it", queue.channel.name)
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.debug("%s at %s:%s", type(error).__name__, where.filename, where.lineno)
            queue.refused += 1
            self._escalate(entry.escalation)
        else:
            if queue.state is ChannelState.WAITING:
                log.info("%s works again", queue.channel.name)
            queue.state, queue.detail = ChannelState.WORKING, ""
            queue.backoff.worked()
            queue.sent += 1
            queue.outbox.sent(entry, now())
            queue.outbox.hold_until(now() + pause_s)
            if entry.escalation is not None:
                entry.escalation.delivered = True

    def _last_line(self, queue: ChannelQueue, entry: Entry) -> str:
        lost = queue.outbox.dropped - queue.drops_told
        queue.drops_told = queue.outbox.dropped
        told = f" · {lost} messages before it were dropped: too many waited" if lost else ""
        return f"{self._times.footer(entry.message)}{told}"

    def _failed(self, queue: ChannelQueue, entry: Entry, error: PortError) -> None:
        now = asyncio.get_running_loop().time()
        match error:
            case FatalError():
                queue.outbox.put_back(entry, now)
                self._stop(queue, str(error))
                return
            case RefusedError():
                log.error("%s refuses a message: %s", queue.channel.name, error)
                queue.refused += 1
            case UnknownOutcomeError():
                queue.unconfirmed += 1
                if entry.critical and not entry.unconfirmed:
                    entry.unconfirmed = True
                    entry.payloads = None
                    entry.message = structs.replace(entry.message, lines=(*entry.message.lines, _SECOND_TIME))
                    queue.outbox.put_back(entry, now + _AGAIN_S)
                log.warning("%s: a message may not have arrived", queue.channel.name)
                queue.outbox.hold_until(now + queue.backoff.pause_s())
                self._wait(queue, str(error))
            case RateLimitedError():
                queue.outbox.put_back(entry, now)
                queue.outbox.hold_until(now + error.after_s)
                self._wait(queue, f"{error}; on hold for {error.after_s:g} s")
            case RetryableError():
                entry.tries += 1
                queue.outbox.put_back(entry, now)
                queue.outbox.hold_until(now + queue.backoff.pause_s())
                self._wait(queue, str(error))
            case _:
                queue.refused += 1
        self._escalate(entry.escalation)

    def _wait(self, queue: ChannelQueue, detail: str) -> None:
        if queue.state is ChannelState.WORKING:
            log.warning("%s; what waits is kept and sent when it works again", detail)
        queue.state, queue.detail = ChannelState.WAITING, detail

    def _stop(self, queue: ChannelQueue, why: str) -> None:
        """Nothing more can be sent there: people are told by the log and through the other channels."""
        queue.state, queue.detail = ChannelState.STOPPED, why
        log.error("%s is stopped: %s", queue.channel.name, why)
        stranded = queue.outbox.clear()
        queue.refused += len(stranded)
        for entry in stranded:
            self._escalate(entry.escalation)
        self.post(
            Message(
                event=NewsEvent.ERROR,
                severity=Severity.CRITICAL,
                title=f"{queue.channel.name} gets no more messages",
                lines=(why,),
                ts=self._times.now(),
                mark="🚨",
                key=f"stopped {queue.channel.name}",
            )
        )

    # --- critical news ---------------------------------------------------------------------------------

    def _put(self, queue: ChannelQueue, message: Message, escalation: Escalation | None) -> None:
        if escalation is not None:
            escalation.channels.add(queue.channel.name)
        queue.outbox.offer(message, asyncio.get_running_loop().time(), escalation)
        queue.empty.clear()
        queue.wake.set()

    def _escalate(self, escalation: Escalation | None) -> None:
        """Hand critical news that nobody has delivered to the next channel that has not had it."""
        if escalation is None or escalation.delivered:
            return
        for queue in self.queues:
            if queue.state is not ChannelState.STOPPED and queue.channel.name not in escalation.channels:
                self._put(queue, escalation.message, escalation)
                self._watch(escalation)
                return

    def _watch(self, escalation: Escalation) -> None:
        if self._closing:
            return

        def late() -> None:
            self._timers.discard(timer)
            self._escalate(escalation)

        timer = asyncio.get_running_loop().call_later(self._escalate_s, late)
        self._timers.add(timer)
