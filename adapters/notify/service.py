"""News out and commands in, beside a running engine, in a thread and loop of its own.

A channel that hangs, a name server that does not answer, a library that loads slowly: none of it is on the
engine's loop. Everything is read from the engine's handle, and commands go in by it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from adapters.notify.channels.apprise import AppriseChannel
from adapters.notify.channels.channel import Channel
from adapters.notify.channels.discord import DiscordChannel
from adapters.notify.channels.mail import MailChannel
from adapters.notify.channels.slack import SlackChannel
from adapters.notify.channels.telegram import TelegramChannel
from adapters.notify.config import NotifyConfig, Rules
from adapters.notify.content.formats import TimeFormat
from adapters.notify.content.message import Message, NewsEvent
from adapters.notify.content.news import NewsReader
from adapters.notify.content.sanitize import sanitize
from adapters.notify.dispatch.dispatcher import Dispatcher
from adapters.notify.telegram_commands.commands import TelegramCommands
from engine.model.errors import FatalError, PortError
from engine.model.notices import Severity
from engine.ports import Clock, EngineHandle

log = logging.getLogger(__name__)

POLL_S = 0.25


def build_channels(config: NotifyConfig) -> list[tuple[Channel, Rules]]:
    """Every channel that is configured; Telegram has one for each chat."""
    found: list[tuple[Channel, Rules]] = []
    if config.telegram is not None:
        for number, chat in enumerate(config.telegram.chats, 1):
            name = "telegram" if number == 1 else f"telegram-{number}"
            found.append((TelegramChannel(config.telegram, chat, name), config.telegram.rules))
    if config.slack is not None:
        found.append((SlackChannel(config.slack), config.slack.rules))
    if config.discord is not None:
        found.append((DiscordChannel(config.discord), config.discord.rules))
    if config.mail is not None:
        found.append((MailChannel(config.mail), config.mail.rules))
    found += [(AppriseChannel(other), other.rules) for other in config.others]
    return found


class NotifyService:
    """Reads the engine and feeds the channels, on one loop: `run` until told to stop, then `end`."""

    def __init__(
        self,
        handle: EngineHandle,
        config: NotifyConfig,
        clock: Clock,
        wall: Clock,
        news: NewsReader | None = None,
    ) -> None:
        """`clock` is the engine's, `wall` the real one: commands are fresh or old by that. `news` goes on
        where another service has read so far.
        """
        self._handle = handle
        self._config = config
        self._news = news or NewsReader(
            label=config.label,
            refusals=config.refusals,
            status_minutes=config.status_minutes,
        )
        self._dispatcher = Dispatcher(
            build_channels(config),
            TimeFormat(config.zone or "UTC", clock),
            capacity=config.queue,
            repeat_s=config.repeat_s,
            escalate_s=config.escalate_s,
        )
        self._clock, self._wall = clock, wall
        self._last_fault = ""
        """The last fault of our own that was logged, so that it is logged once."""
        self._commands = None
        if config.telegram_commands is not None:
            self._commands = TelegramCommands(handle, config.telegram_commands, wall)

    async def run(self, stop: asyncio.Event) -> None:
        """Tell what happens until `stop` is set."""
        self._dispatcher.start()
        listening = None
        if self._commands is not None:
            listening = asyncio.create_task(self._listen(self._commands), name="telegram commands")
        try:
            while not stop.is_set():
                self._read()
                try:
                    async with asyncio.timeout(POLL_S):
                        await stop.wait()
                except TimeoutError:
                    continue
        finally:
            if listening is not None:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def again(self, config: NotifyConfig) -> NotifyService:
        """One with other channels that goes on where this one ends: nothing is told twice or left out."""
        self._read()
        await self._dispatcher.close(self._config.flush_s)
        return NotifyService(self._handle, config, self._clock, self._wall, self._news)

    async def end(self, reason: str = "", failed: bool = False) -> None:
        """Tell what is left, that it stopped and why, and give the channels a while to bring it out."""
        self._read()
        for message in self._news.ended(reason, failed):
            self._dispatcher.post(message)
        await self._dispatcher.close(self._config.flush_s)

    def _read(self) -> None:
        view = self._handle.view()
        try:
            for message in self._news.read(view):
                self._dispatcher.post(message)
        except Exception as error:
            self._news.skip(view)
            if repr(error) != self._last_fault:
                self._last_fault = repr(error)
                log.exception("a message could not be made; the next View is read anew")

    async def _listen(self, commands: TelegramCommands) -> None:
        """Take commands for as long as the bot can be used; the end of that is told."""
        try:
            await commands.run()
        except FatalError as error:
            log.error("Telegram commands are not taken any more: %s", error)
            self._tell_commands_ended(sanitize(error))
        except Exception:
            log.exception("Telegram commands are not taken any more")
            self._tell_commands_ended("internal error, see the log")

    def _tell_commands_ended(self, why: str) -> None:
        self._dispatcher.post(
            Message(
                event=NewsEvent.ERROR,
                severity=Severity.CRITICAL,
                title="Telegram commands are not taken any more",
                lines=(why,),
                ts=self._clock(),
                mark="🚨",
                key="telegram commands",
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
    ) -> None:
        self._parts = handle, config, clock, wall
        self._limit_s = config.flush_s + 2.0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ending: tuple[str, bool] | None = None
        self._next: NotifyConfig | None = None
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def follow(self, config: NotifyConfig) -> None:
        """Tell by these channels from now on; for any thread. Label, refusals and status stay."""
        if self._thread.is_alive() and self._ready.wait(self._limit_s) and self._ending is None:
            assert self._loop is not None
            assert self._stop is not None
            self._next = config
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)

    def stop(self, reason: str = "", failed: bool = False) -> None:
        """Tell that the engine has stopped, and why. Blocks no longer than the flush takes, plus 2 s."""
        if not self._thread.is_alive() or not self._ready.wait(self._limit_s):
            return
        assert self._loop is not None
        assert self._stop is not None
        self._ending = (reason, failed)
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

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception:
            log.exception("notifications have stopped; the engine goes on")

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        service = NotifyService(*self._parts)
        self._ready.set()
        await service.run(self._stop)
        while self._ending is None and self._next is not None:
            config, self._next = self._next, None
            self._stop.clear()
            service = await service.again(config)
            await service.run(self._stop)
        await service.end(*(self._ending or ("", False)))
