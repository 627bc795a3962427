"""Follows a journal into PostgreSQL in a process of its own, until it is killed: python -m ... JOURNAL URL"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from adapters.common.secret import Secret
from adapters.store.history.postgres import PostgresHistory
from tstream.history.follow import Follower


async def follow(journal: Path, url: str) -> None:
    history = PostgresHistory(Secret(url))
    await Follower(journal, history).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(follow(Path(sys.argv[1]), sys.argv[2]))
