"""What a run keeps for others to read, beside the engine and off its loop: the history, ticks in Redis,
files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.common.secret import Secret
from engine.ports import EngineHandle
from engine.state.state import State
from tstream.paths import Paths
from tstream.run.services import Service
from tstream.run.side_thread import in_thread
from tstream.settings.model import Settings

if TYPE_CHECKING:
    from adapters.redis.publisher import TickTap


START_S = 2.0
"""The history begins so long after the run: first come connections and the first picture."""


def keeping(
    settings: Settings,
    paths: Paths,
    journal: Path,
    engine: EngineHandle,
    state: State,
    ticks: TickTap | None,
    stack: AsyncExitStack,
) -> Iterator[Service]:
    """Of a run whose records are in `journal`; `ticks` hears its prices where they are published, `stack`
    closes the files.
    """
    if settings.history.enabled:
        yield Service("history", partial(in_thread, "history", partial(_follow, settings, paths, journal)))
    if settings.files.enabled:
        from tstream.files.keeper import FileKeeper

        folder = settings.files.folder or paths.files
        keeper = FileKeeper(folder.expanduser(), settings.files.every_s, engine, state)
        stack.push_async_callback(keeper.close)
        yield Service("files", keeper.run)
    if ticks is not None:
        yield Service(
            "publishing to Redis", partial(in_thread, "redis", partial(_publish, settings, engine, ticks))
        )


async def _follow(settings: Settings, paths: Paths, journal: Path, stop: asyncio.Event) -> None:
    from tstream.history.follow import Follower
    from tstream.history.opening import history_of

    history = history_of(settings, paths)
    try:
        await Follower(journal, history, after_s=START_S).run(stop)
    finally:
        await history.close()


async def _publish(settings: Settings, engine: EngineHandle, ticks: TickTap, stop: asyncio.Event) -> None:
    from adapters.redis.publisher import RedisPublisher

    url = Secret(settings.redis.url.get_secret_value())
    instruments = {one.symbol: one for one in settings.instrument_table()}
    await RedisPublisher(url, settings.redis.prefix, ticks, engine, instruments).run(stop)


def tick_tap(settings: Settings) -> TickTap | None:
    """What hears the prices of a run, where they are to be published."""
    if not settings.redis.url.get_secret_value():
        return None
    from adapters.redis.publisher import TickTap

    return TickTap()
