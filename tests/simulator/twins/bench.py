"""A twin with the example's wire, in a market that does what the test says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.twin import Twin
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, Bar, Side, Timeframe
from tests.simulator.twins.example import INSTRUMENTS, ExampleWire

START = 1_796_000_400_000_000_000
"""2026-11-30T01:00:00Z."""
PRICE = 960_000
SYMBOL = INSTRUMENTS[0].symbol


class TwinBench:
    """A twin and a client of it."""

    def __init__(self, twin: Twin, session: aiohttp.ClientSession) -> None:
        self.twin = twin
        self.session = session

    def quote(self, bid: int, symbol: str = SYMBOL) -> None:
        now = self.twin.now()
        self.twin.push(Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=bid, ask=bid + 2, last=bid))

    def trade(self, price: int, size: int = 5, symbol: str = SYMBOL) -> None:
        now = self.twin.now()
        self.twin.push(
            Print(
                ts_recv=now,
                ts_venue=now,
                instrument=symbol,
                price=price,
                size=size,
                aggressor=Side.BUY,
                seq=1,
            )
        )

    async def place(self, **order: Any) -> dict[str, Any]:
        """By HTTP. Raises aiohttp's errors."""
        body = {"symbol": SYMBOL, "side": "buy", "type": "market", "qty": 4, **order}
        async with self.session.post("/order", json=body) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = json.loads(await answer.text())
            return found

    async def orders(self) -> list[dict[str, Any]]:
        async with self.session.get("/orders") as answer:
            found: list[dict[str, Any]] = (await answer.json())["orders"]
            return found

    @asynccontextmanager
    async def listening(self, *topics: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with self.session.ws_connect("/stream") as socket:
            for topic in topics:
                await socket.send_json({"listen": topic})
                assert await socket.receive_json() == {"listening": topic}
            yield socket


def history(symbol: str) -> list[Bar]:
    return [
        Bar(symbol, Timeframe.M1, START - i * MINUTE, PRICE, PRICE + 5, PRICE - 5, PRICE, i)
        for i in range(90, 0, -1)
    ]


@asynccontextmanager
async def bench(**settings: Any) -> AsyncIterator[TwinBench]:
    market = ScriptedMarket(INSTRUMENTS, START, bars={one.symbol: history(one.symbol) for one in INSTRUMENTS})
    async with (
        Twin(ExampleWire, TwinConfig(INSTRUMENTS, **settings), market) as twin,
        aiohttp.ClientSession(twin.url) as session,
    ):
        made = TwinBench(twin, session)
        made.quote(PRICE)
        yield made
