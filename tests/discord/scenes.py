"""A room, people in it, and a source that listens, with everything that it said."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from adapters.common.secret import Secret
from adapters.discord.config import DiscordConfig, DiscordRoom, DiscordTiming
from adapters.discord.source import DiscordSource
from engine.model.events import AlertKind, AlertReceived, LinkChanged, LinkState
from engine.ports import Clock
from tests.discord.fake import CHANNEL, TOKEN, FakeDiscord
from tests.discord.rows import Author
from tests.support.waits import Inbox

ANALYST = Author(9_000_000_000_000_001, "twi_jmoney")
RELAY = Author(9_000_000_000_000_002, "Twinsight Bot", bot=True, discriminator="7577")
HOOK = Author(9_000_000_000_000_003, "Captain Hook", webhook=True)
STRANGER = Author(9_000_000_000_000_004, "stranger")
WHITELIST = frozenset({ANALYST.id, RELAY.id, HOOK.id})

ALERT = "🚨 ES long 6326: A\nStop: 6316\n@everyone"
OTHER = "🚨 ES long 6341: B\nStop: 6332\n@everyone"

ROOM = DiscordRoom(name="twi", channels=frozenset({CHANNEL}), authors=WHITELIST)

QUICK = DiscordTiming(
    connect_s=5.0,
    guilds_s=0.02,
    beat_s=5.0,
    close_s=0.5,
    save_s=0.0,
    retry_s=0.05,
    backoff_first_s=0.01,
    backoff_cap_s=0.05,
    refused_pause_s=0.02,
    identify_gap_s=0.0,
)


class Heard(Inbox):
    """A sink that can be waited on."""

    @property
    def alerts(self) -> list[AlertReceived]:
        return self.of(AlertReceived)

    @property
    def told(self) -> list[tuple[AlertKind, str]]:
        """What the alerts were about, in short."""
        return [(alert.kind, alert.text) for alert in self.alerts]

    async def alert(self, count: int = 1) -> AlertReceived:
        """The alert of this number, counted from 1."""
        await self.until(lambda: len(self.alerts) >= count)
        return self.alerts[count - 1]

    async def state(self, state: LinkState, words: str = "") -> LinkChanged:
        """The first report of a state with these words in it."""
        links = await self.until(
            lambda: [link for link in self.links() if link.state is state and words in link.detail]
        )
        found: LinkChanged = links[0]
        return found


def config_for(
    fake: FakeDiscord, room: DiscordRoom = ROOM, timing: DiscordTiming = QUICK, **more: Any
) -> DiscordConfig:
    config = DiscordConfig(
        token=Secret(TOKEN),
        rooms=(room,),
        api_url=fake.api_url,
        gateway_url=fake.gateway_url,
        timing=timing,
    )
    return replace(config, **more)


@asynccontextmanager
async def listening(
    config: DiscordConfig, clock: Clock | None = None, *, live: bool = True
) -> AsyncIterator[tuple[DiscordSource, Heard]]:
    """A running source, live unless told otherwise."""
    source = DiscordSource(config, clock or time.time_ns, rng=random.Random(1))
    heard = Heard()
    task = asyncio.create_task(source.run(heard))
    try:
        if live:
            waiting = asyncio.create_task(heard.live())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                waiting.cancel()
                task.result()
            await waiting
        yield source, heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def read_once(fake: FakeDiscord, config: DiscordConfig) -> None:
    """A run that reads one message, and ends."""
    async with listening(config) as (_, heard):
        fake.post(ANALYST, "before")
        await heard.alert()
