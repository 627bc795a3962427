"""The practice venue in a process of its own, on a clock that leaps, stamping what arrives.

`python -m bench.stamped CLOCKFILE` writes its address to stdout and ends when stdin closes. Beside the
gateway's own paths it knows two: /bench/market takes prices and moves the market, /bench/arrivals tells.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from datetime import date
from datetime import time as wall
from pathlib import Path

import msgspec
from aiohttp import web

from adapters.simulator import practice
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.market.hours import nanos
from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.practice import PracticeVenue
from adapters.simulator.wire.projectx.rest import HttpServer
from bench.leaps import LeapingClock
from bench.service import BOUNDLESS
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES

OPENING = nanos(date(2031, 10, 6), wall(17, 5))
"""The evening session has begun: 22 hours until the desk ends the day."""

Arrival = tuple[str, int]
"""Path, and monotonic nanoseconds."""

_arrivals: list[Arrival] = []


class StampingServer(HttpServer):
    """Notes when a request has come in, before anything is done with it."""

    venue: PracticeVenue

    async def handle(self, request: web.Request) -> web.StreamResponse:
        now = time.monotonic_ns()
        path = request.path
        if path == "/bench/market":
            move(self.venue, msgspec.json.decode(await request.read(), type=dict[str, int]))
            return web.Response()
        if path == "/bench/arrivals":
            body = msgspec.json.encode(_arrivals)
            _arrivals.clear()
            return web.Response(body=body)
        _arrivals.append((path, now))
        return await super().handle(request)


def move(venue: PracticeVenue, prices: Mapping[str, int]) -> None:
    """Quote and trade each contract at its price, now; each quote before any print."""
    now = venue.now()
    for symbol, price in prices.items():
        quote = Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=price, ask=price + 1, last=price)
        venue.push(quote, Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=500))


async def serve(clock: LeapingClock) -> None:
    config = SimulatorConfig(rest_limit=BOUNDLESS, bars_limit=BOUNDLESS, batch_s=0.002)
    source = ScriptedMarket(tuple(CME_FUTURES.values()), OPENING)
    async with PracticeVenue(config, source, clock) as venue:
        StampingServer.venue = venue
        print(venue.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    setattr(practice, "HttpServer", StampingServer)  # noqa: B010
    asyncio.run(serve(LeapingClock(Path(sys.argv[1]))))
