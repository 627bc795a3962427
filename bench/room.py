"""A Discord on loopback in a process of its own, for the alerts bench.

`python -m bench.room` writes a line of JSON with its addresses. Each line of JSON on stdin, author and text,
is posted; the answer is a line with the monotonic nanoseconds before that. It ends when stdin closes.
"""

from __future__ import annotations

import asyncio
import sys
import time

import msgspec

from tests.discord.fake import FakeDiscord
from tests.discord.scenes import RELAY, STRANGER

AUTHORS = {author.name: author for author in (RELAY, STRANGER)}


async def serve() -> None:
    async with FakeDiscord() as discord:
        print(msgspec.json.encode((discord.api_url, discord.gateway_url)).decode(), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            author, text = msgspec.json.decode(line, type=tuple[str, str])
            now = time.monotonic_ns()
            discord.post(AUTHORS[author], text)
            print(now, flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
