"""What stands around the core takes settings that were read again: logins, news, rooms, what is watched."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from engine.model.watch import WatchLimits
from engine.ports import Clock, EngineHandle
from engine.runtime.engine import Engine
from engine.runtime.supervision import ALERTS_LINK
from tstream.clock import wall_ns
from tstream.convert.notify import notify_config
from tstream.run.venues import Venues
from tstream.settings.declared import filled
from tstream.settings.model import Settings

if TYPE_CHECKING:
    from adapters.discord.source import DiscordSource
    from adapters.notify.config import NotifyConfig
    from adapters.notify.service import NotifyThread
    from tstream.botfiles.tables import BotTables

log = logging.getLogger("settings")

Told = Callable[[Settings, Settings], Awaitable[None]]


class Channels:
    """The news of a run: begun when a channel is first set up, and following the settings from then on."""

    def __init__(
        self, engine: EngineHandle, clock: Clock, stack: AsyncExitStack, files: BotTables | None
    ) -> None:
        """`stack` ends it, telling how the run ended; bots of `files` have wishes of their own."""
        self._engine = engine
        self._clock = clock
        self._stack = stack
        self._files = files
        self._thread: NotifyThread | None = None

    async def follow(self, settings: Settings) -> None:
        """Tell by these from now on."""
        news = self._config(settings)
        if self._thread is not None:
            self._thread.follow(news)
        elif news.wanted:
            from adapters.notify.service import NotifyThread

            thread = NotifyThread(self._engine, news, self._clock, wall_ns)
            self._thread = await self._stack.enter_async_context(thread)

    def _config(self, settings: Settings) -> NotifyConfig:
        news = notify_config(settings.notify, settings.told_in)
        if self._files is not None:
            from tstream.botfiles.news import told

            news = told(news, self._files.wishes())
        return news


class FollowingParts:
    """Of one run. Each part is tried by itself: one that fails is logged, and the others follow."""

    def __init__(
        self,
        engine: Engine,
        venues: Venues,
        channels: Channels,
        rooms: DiscordSource | None,
        configured: Callable[[DiscordSource, Settings], None],
        told: Told | None,
    ) -> None:
        """`configured` gives the reader of rooms its settings; `told` is whoever opened the run."""
        self._engine = engine
        self._venues = venues
        self._channels = channels
        self._rooms = rooms
        self._configured = configured
        self._told = told

    async def follow(self, before: Settings, settings: Settings) -> None:
        """The core counts by these settings already."""
        self._venues.follow(settings)
        self._engine.risks.limits = filled(WatchLimits, settings.watch)
        parts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            (f"the login of {name}", partial(self._log_in, name))
            for name in settings.active
            if before.login(name) != settings.login(name) and not settings.venues[name].practice
        ]
        if before.notify != settings.notify or before.told_in != settings.told_in:
            parts.append(("news", partial(self._channels.follow, settings)))
        if (before.discord, before.rooms) != (settings.discord, settings.rooms):
            parts.append(("rooms", partial(self._read_rooms, settings)))
        if self._told is not None:
            parts.append(("what shows it", partial(self._told, before, settings)))
        for name, follow in parts:
            try:
                await follow()
            except Exception:
                log.exception("%s can't follow the settings", name)

    async def _log_in(self, name: str) -> None:
        """Connect again with another key; what stands at the venue stands on meanwhile."""
        log.warning("%s: its login was changed, connecting again", name)
        await self._engine.connect_again(lambda: self._venues.close_one(name), venue=name)

    async def _read_rooms(self, settings: Settings) -> None:
        rooms = self._rooms
        if rooms is None:
            return

        async def configure() -> None:
            self._configured(rooms, settings)

        await self._engine.connect_again(configure, link=ALERTS_LINK)
