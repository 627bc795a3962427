"""Reads again what was posted while we weren't listening, and what changed meanwhile."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
import discord

from adapters.common.plain_words import in_words
from adapters.common.redaction import scrub
from adapters.discord.client import DiscordClient
from adapters.discord.config import DiscordConfig
from adapters.discord.messages import first_id_at
from adapters.discord.reader import MessageReader
from engine.model.market import NANOS
from engine.ports import Clock

_log = logging.getLogger(__name__)

_PAGE = 100
_THREADS = 20
"""Threads of a channel that are read, those with the newest messages."""
_ASKED = 20
"""Messages that are missing from the history and asked for one by one."""
_UNKNOWN_MESSAGE = 10008
"""Discord's error code: proof that a message is gone."""
_UNKNOWN_CHANNEL = 10003
_SKEW = 60 * NANOS


class HistoryReader:
    """Everything by way of the newest page, which is the only one in the usual case."""

    def __init__(
        self, config: DiscordConfig, client: DiscordClient, reader: MessageReader, wall: Clock
    ) -> None:
        self._config = config
        self._client = client
        self._reader = reader
        self._read_state = reader.read_state
        self._wall = wall

    async def read_all(self) -> list[str]:
        """Catch up with every room. Gives what can't be read, in words; the rest is whole then."""
        blind = []
        for channel, room in self._reader.whitelist.channels.items():
            threads = self._client.threads(channel)[-_THREADS:] if room.threads else []
            for place in (channel, *threads):
                if reason := await self._read(place):
                    blind.append(f"room {room.name}: channel {place} can't be read: {reason}")
        return blind

    async def _read(self, channel: int) -> str:
        if reason := self._client.forbidden(channel):
            return reason
        try:
            async with asyncio.timeout(self._config.timing.connect_s):
                await self._catch_up(channel)
        except discord.HTTPException as error:
            if error.code == _UNKNOWN_CHANNEL:
                return "there is none with this id, or the bot is not on its server"
            if error.status == 403:
                return "Discord forbids it: give the bot View Channel and Read Message History there"
            return f"HTTP {error.status} {scrub(error.text)}".rstrip()
        except (discord.RateLimited, aiohttp.ClientError, OSError) as error:
            return in_words(error, self._client.http.token or "")
        except (LookupError, TypeError, ValueError):
            return "its history makes no sense"
        return ""

    async def _catch_up(self, channel: int) -> None:
        before = self._read_state.channel(channel, self._reader.parent(channel))
        first, touched = not before.last, self._read_state.watch_live(channel)
        rows, oldest = await self._rows(channel, before.last)
        numbers = {int(row["id"]) for row in rows}
        for row in sorted(rows, key=lambda row: int(row["id"])):
            if int(row["id"]) not in touched:
                self._reader.found(row)
        missing = [
            number
            for number, known in self._read_state.channel(channel).known.items()
            if number >= oldest and number not in numbers | touched and not known.gone
        ]
        for number in sorted(missing)[-_ASKED:]:
            if await self._is_gone(channel, number) and number not in touched:
                self._reader.vanished(channel, number, live=False)
        floor = first_id_at(self._wall() - _SKEW) if first else 0
        self._read_state.caught_up(channel, max(numbers, default=floor))

    async def _rows(self, channel: int, last: int) -> tuple[list[Any], int]:
        """Newest messages, back to `last` and at least `look_back` of them, as far as there are, and the id
        down to which that is all. Of a channel that was never read one page is enough.
        """
        rows: list[Any] = []
        oldest: int | None = None
        while True:
            page: list[Any] = list(await self._client.http.logs_from(channel, _PAGE, before=oldest))
            rows += page
            if len(page) < _PAGE:
                return rows, 0
            oldest = min(int(row["id"]) for row in page)
            if not last or (oldest <= last and len(rows) >= self._config.look_back):
                return rows, oldest
            if len(rows) >= self._config.history_limit:
                if oldest > last:
                    _log.warning(
                        "channel %d: over %d messages were posted meanwhile: the oldest are not read",
                        channel,
                        len(rows),
                    )
                return rows, oldest

    async def _is_gone(self, channel: int, number: int) -> bool:
        """By Discord's own word: a history that leaves a message out proves nothing."""
        try:
            await self._client.http.get_message(channel, number)
        except discord.NotFound as error:
            if error.code != _UNKNOWN_MESSAGE:
                raise
            return True
        return False
