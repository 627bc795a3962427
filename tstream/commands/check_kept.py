"""The part of tstream check that is about databases: whether those that are set can be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from adapters.common.finding import Check
from adapters.common.secret import Secret
from adapters.redis.publisher import ping
from adapters.store.history.postgres import PostgresHistory
from engine.model.errors import PortError
from tstream.settings.model import Settings


def of_kept(settings: Settings) -> Iterator[Check]:
    """PostgreSQL and Redis, where one is set; nothing is made or changed in them."""
    if url := settings.history.url.get_secret_value():
        history = PostgresHistory(Secret(url))
        try:
            yield Check("history", True, f"{history.place}, version {asyncio.run(history.probe())}")
        except PortError as error:
            yield Check("history", False, str(error), "correct DATABASE_URL, or start the server")
    if url := settings.redis.url.get_secret_value():
        try:
            asyncio.run(ping(Secret(url)))
            yield Check("redis", True, "it answers")
        except PortError as error:
            yield Check("redis", False, str(error), "correct REDIS_URL, or start the server")
