"""News out and commands in, beside a running engine, in a thread and loop of its own.

A channel that hangs, a name server that does not answer, a library that loads slowly: none of it is on the
engine's loop. Everything is read from the engine's handle, and commands go in by it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from types import TracebackType
from typing import Self

from adapters.notify.channels.assembly import channels
from adapters.notify.config import NotifyConfig
from adapters.notify.content.facts import SignalReader, the_notices_own
from adapters.notify.content.message import Event, Message
from adapters.notify.content.news import Newsroom
from adapters.notify.content.sanitize import clean
from adapters.notify.content.times import Stamps
from adapters.notify.dispatch.dispatcher import ChannelStatus, Dispatcher
from adapters.notify.telegram_commands.commands import TelegramHand
from engine.model.errors import FatalError, PortError
from engine.model.notices import Severity
from engine.ports import Clock, EngineHandle

log = logging.getLogger(__name__)

POLL_S = 0.25


class NotifyService:
    """Reads the engine and feeds the channels, on one loop: `run` until told to stop, then `end`."""

    def __init__(
        self,
        handle: EngineHandle,
        config: NotifyConfig,
        clock: Clock,
        wall: Clock,
        facts: SignalReader = the_notices_own,
    ) -> None:
        """`clock` is the engine's, `wall` the real one: commands are fresh or old by that."""
        self._handle = handle
        self._config = config
        self._newsroom = Newsroom(
            label=config.label,
            refusals=config.refusals,
            status_minutes=config.status_minutes,
            facts=facts,
        )
        self._dispatcher = Dispatcher(
            channels(config),
            Stamps(config.zone, clock),
            capacity=config.queue,
            repeat_s=config.repeat_s,
            escalate_s=config.escalate_s,
        )
        self._clock = clock
        self._complaint = ""
        """The last fault of our own that was logged, so that it is logged once."""
        self._hand = TelegramHand(handle, config.hand, wall) if config.hand is not None else None

    def status(self) -> tuple[ChannelStatus, ...]:
        return self._dispatcher.status()

    async def run(self, stop: asyncio.Event) -> None:
        """Tell what happens until `stop` is set."""
        self._dispatcher.start()
        hand = asyncio.create_task(self._listen(self._hand), name="telegram hand") if self._hand else None
        try:
            while not stop.is_set():
                self._read()
                try:
                    async with asyncio.timeout(POLL_S):
                        await stop.wait()
                except TimeoutError:
                    continue
        finally:
            if hand is not None:
                hand.cancel()
                await asyncio.gather(hand, return_exceptions=True)

    async def end(self, reason: str = "", failed: bool = False) -> None:
        """Tell what is left, that it stopped and why, and give the channels a while to bring it out."""
        self._read()
        for message in self._newsroom.ended(reason, failed):
            self._dispatcher.post(message)
        await self._dispatcher.close(self._config.flush_s)

    def _read(self) -> None:
        view = self._handle.view()
        try:
            for message in self._newsroom.read(view):
                self._dispatcher.post(message)
        except Exception as error:
            self._newsroom.skip(view)
            if repr(error) != self._complaint:
                self._complaint = repr(error)
                log.exception("a message could not be made; the next View is read anew")

    async def _listen(self, hand: TelegramHand) -> None:
        """The remote hand for as long as it can work; its end is told."""
        try:
            await hand.run()
        except FatalError as error:
            log.error("Telegram commands are not taken any more: %s", error)
            self._deaf(clean(error))
        except Exception:
            log.exception("Telegram commands are not taken any more")
            self._deaf("internal error, see the log")

    def _deaf(self, why: str) -> None:
        self._dispatcher.post(
            Message(
                event=Event.ERROR,
                severity=Severity.CRITICAL,
                title="Telegram commands are not taken any more",
                lines=(why,),
                ts=self._clock(),
                mark="🚨",
                key="hand",
            )
        )


class NotifyThread:
    """The service in its own daemon thread. `stop` tells the end and waits, for a bounded time."""

    def __init__(
        self,
        handle: EngineHandle,
        config: NotifyConfig,
        clock: Clock,
        wall: Clock,
        facts: SignalReader = the_notices_own,
    ) -> None:
        self._parts = handle, config, clock, wall, facts
        self._limit_s = config.flush_s + 2.0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._service: NotifyService | None = None
        self._last_words = ("", False)
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, reason: str = "", failed: bool = False) -> None:
        """Tell that the engine has stopped, and why. Blocks no longer than the flush takes, plus 2 s."""
        if not self._thread.is_alive() or not self._ready.wait(self._limit_s):
            return
        assert self._loop is not None
        assert self._stop is not None
        self._last_words = (reason, failed)
        try:
            self._loop.call_soon_threadsafe(self._stop.set)
        except RuntimeError:
            return  # it has ended by itself
        self._thread.join(self._limit_s)
        if self._thread.is_alive():
            log.warning("notifications did not end within %.0f s", self._limit_s)

    async def __aenter__(self) -> Self:
        """Start, as a part of a run that is put together on the engine's loop."""
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell how the run ended. Only errors of the ports are quoted: others may hold anything."""
        failed = isinstance(error, Exception)
        reason = "internal error, see the log" if failed else ""
        if isinstance(error, PortError):
            reason = str(error)
        await asyncio.to_thread(self.stop, reason, failed)

    def status(self) -> tuple[ChannelStatus, ...]:
        """How the channels fare; empty before the start."""
        return self._service.status() if self._service is not None else ()

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception:
            log.exception("notifications have stopped; the engine goes on")

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._service = NotifyService(*self._parts)
        self._ready.set()
        await self._service.run(self._stop)
        await self._service.end(*self._last_words)
