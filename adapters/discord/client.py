"""discord.py's client, made to read messages raw and at once, at addresses and as often as we choose.

Nothing of the library is patched for others: addresses and pacing live in this client's own HTTP client.
Importing this module imports discord.py (a quarter of a second).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route

from adapters.common.redaction import scrub
from adapters.discord.config import DiscordConfig
from adapters.discord.pacing import ConnectionPacing
from adapters.discord.reader import MessageReader

_log = logging.getLogger(__name__)

OnEvent = Callable[[str], None]
"""Takes an event of the library, by its name without "on_", at the moment when it happens."""

_LONGEST_LIMIT_S = 60.0
"""A rate limit that lasts longer is an error, not a wait without a word."""


class _Http(HTTPClient):
    """Sends what is meant for Discord to the configured addresses, and paces connections to the gateway.

    The library dials again at once, and for ever, when a gateway takes connections only to close them; and
    it gives a session up for one failed connection, or waits up to 17 minutes. Here each dial after the
    first waits its turn, and one that fails is tried again until the library's own minute is over.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, config: DiscordConfig, pacing: ConnectionPacing
    ) -> None:
        super().__init__(loop, max_ratelimit_timeout=_LONGEST_LIMIT_S)
        self._api_url = config.api_url.rstrip("/")
        self._gateway_url = config.gateway_url
        self._pacing = pacing
        self._dialled = False

    async def request(self, route: Route, **kwargs: Any) -> Any:
        if route.url.startswith(Route.BASE):
            route.url = self._api_url + route.url.removeprefix(Route.BASE)
        return await super().request(route, **kwargs)

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        usual = str(DiscordWebSocket.DEFAULT_GATEWAY)
        if url.startswith(usual):
            url = self._gateway_url + url.removeprefix(usual)
        while True:
            if self._dialled:
                await asyncio.sleep(self._pacing.pause_s())
            self._dialled = True
            try:
                return await super().ws_connect(url, compress=compress)
            except (aiohttp.ClientError, OSError) as error:
                _log.info("Discord's gateway can't be reached: %s", scrub(error, self.token or ""))


class DiscordClient(discord.Client):
    """Asks for servers, messages and their texts; keeps no members and no messages."""

    def __init__(
        self, config: DiscordConfig, pacing: ConnectionPacing, reader: MessageReader, on_event: OnEvent
    ) -> None:
        intents = discord.Intents.none()
        intents.guilds = True
        intents.guild_messages = True
        intents.message_content = True
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=config.timing.guilds_s,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self._pacing = pacing
        self._on_event = on_event
        self.http = self._connection.http = _Http(self.loop, config, pacing)
        self._connection.parsers.update(
            MESSAGE_CREATE=reader.posted,
            MESSAGE_UPDATE=reader.changed,
            MESSAGE_DELETE=reader.deleted,
            MESSAGE_DELETE_BULK=reader.deleted_many,
        )

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        super().dispatch(event, *args, **kwargs)
        self._on_event(event)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        await self._pacing.before_login()

    def parent(self, channel: int) -> int | None:
        """The channel that a thread is in."""
        thread = self.get_channel(channel)
        return thread.parent_id if isinstance(thread, discord.Thread) else None

    def threads(self, channel: int) -> list[int]:
        """Active threads under a channel, the one with the newest message last."""
        above = self.get_channel(channel)
        if not isinstance(above, discord.TextChannel | discord.ForumChannel):
            return []
        return [thread.id for thread in sorted(above.threads, key=lambda x: x.last_message_id or x.id)]

    def forbidden(self, channel: int) -> str:
        """Why nothing can come of a channel, as far as is known, in words; empty if nothing is against it."""
        place = self.get_channel(channel)
        guilds = self.guilds if place is None else [place.guild] if hasattr(place, "guild") else []
        if any(guild.unavailable for guild in guilds):
            return "Discord has an outage of its server"
        if not isinstance(place, discord.abc.GuildChannel):
            return ""
        may = place.permissions_for(place.guild.me)
        if not may.view_channel:
            return "the bot may not see it: give it the permission View Channel"
        if not may.read_message_history:
            return "the bot may not read what was said: give it the permission Read Message History"
        return ""
