"""Two servers in one process for the wire bench: the practice venue, and the least that answers a POST.

`python -m bench.service` writes one line of JSON with their addresses and ends when stdin closes.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec
from aiohttp import web

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.market.hours import NANOS
from adapters.simulator.practice import PracticeVenue
from adapters.simulator.wire.projectx.access import RateLimit

BOUNDLESS = RateLimit(1_000_000, 60 * NANOS)
"""The platform's limit of 200 calls a minute would be all that is measured."""


async def answer(request: web.Request) -> web.Response:
    """Reads the body, answers like a placed order."""
    await request.json()
    return web.json_response({"orderId": 1, "success": True, "errorCode": 0, "errorMessage": None})


async def serve() -> None:
    app = web.Application()
    app.router.add_post("/api/Order/place", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with PracticeVenue(SimulatorConfig(rate=0.01, rest_limit=BOUNDLESS)) as venue:
            ready = {"venue": venue.url, "bare": f"http://127.0.0.1:{runner.addresses[0][1]}"}
            print(msgspec.json.encode(ready).decode(), flush=True)
            await asyncio.to_thread(sys.stdin.read)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
