"""A practice venue on a clock that stands still, with a REST caller and raw hub clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.market.hours import practice_open
from adapters.simulator.market.scripted import ManualClock, ScriptedMarket
from adapters.simulator.practice import PracticeVenue
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from tests.support.patience import patient

MS = 1_000_000
DAY = date(2026, 11, 20)
START = practice_open(DAY)
ACCOUNT = 26_000_001
MNQ = "CON.F.US.MNQ.Z26"
UNAVAILABLE = "Trading is currently unavailable. The instrument is not in an active trading status."
SEPARATOR = "\x1e"
Json = dict[str, Any]


class Wire:
    """A raw SignalR client: no library, so that every byte can be looked at."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[str] = []
        self._rest = ""
        self._records: list[Json] = []
        self._calls = 0

    async def handshake(self, version: int = 1) -> Json:
        await self.raw(json.dumps({"protocol": "json", "version": version}) + SEPARATOR)
        return await self.record()

    async def raw(self, text: str) -> None:
        await self.socket.send_str(text)

    async def record(self) -> Json:
        """The next record of any kind; joins those that come in pieces."""
        while not self._records:
            message = await asyncio.wait_for(self.socket.receive(), patient(5))
            assert message.type is WSMsgType.TEXT, message
            self.frames.append(message.data)
            *whole, self._rest = (self._rest + message.data).split(SEPARATOR)
            self._records += [json.loads(text) for text in whole]
        return self._records.pop(0)

    async def event(self, target: str) -> Any:
        """Arguments of the next invocation of a target; other records are dropped."""
        while True:
            record = await self.record()
            if record["type"] == 1 and record["target"] == target:
                return record["arguments"]

    async def events(self, count: int) -> list[tuple[str, Any]]:
        """(target, arguments) of the next invocations."""
        found: list[tuple[str, Any]] = []
        while len(found) < count:
            record = await self.record()
            if record["type"] == 1:
                found.append((record["target"], record["arguments"]))
        return found

    async def call(self, target: str, *arguments: Any) -> Json:
        """Invoke and wait for the completion; records that came before it stay to be read."""
        self._calls += 1
        call = {"type": 1, "target": target, "arguments": arguments, "invocationId": str(self._calls)}
        await self.raw(json.dumps(call) + SEPARATOR)
        seen: list[Json] = []
        while True:
            record = await self.record()
            if record["type"] == 3 and record["invocationId"] == str(self._calls):
                self._records = seen + self._records
                return record
            seen.append(record)


@dataclass
class PracticeDesk:
    """What a test holds in its hands."""

    venue: PracticeVenue
    clock: ManualClock
    session: ClientSession
    token: str = ""
    sockets: list[ClientWebSocketResponse] = field(default_factory=list)

    # -- market and time ---------------------------------------------------------------------------

    def quote(self, bid: int, ask: int, symbol: str = "MNQ", last: int | None = None) -> None:
        now = self.clock()
        self.venue.push(Quote(ts_recv=now, ts_venue=now, instrument=symbol, bid=bid, ask=ask, last=last))

    def trade(self, price: int, size: int = 1, symbol: str = "MNQ", side: Side = Side.BUY) -> None:
        now = self.clock()
        self.venue.push(
            Print(ts_recv=now, ts_venue=now, instrument=symbol, price=price, size=size, aggressor=side)
        )

    def wait(self, ms: float) -> None:
        self.clock.advance(int(ms * MS))
        self.venue.pump()

    # -- requests ----------------------------------------------------------------------------------

    async def post(self, path: str, body: Json | None = None, token: str | None = None) -> tuple[int, Any]:
        """(HTTP status, decoded body or text)."""
        bearer = self.token if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        url = f"{self.venue.url}/api/{path}"
        async with self.session.post(url, json=body if body is not None else {}, headers=headers) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if text.startswith("{") else text

    async def ask(self, path: str, **body: Any) -> Json:
        """A call that HTTP has nothing against; gives its envelope."""
        status, answer = await self.post(path, body)
        assert status == 200, (status, answer)
        assert isinstance(answer, dict)
        return answer

    async def login(self) -> Self:
        self.token = (await self.ask("Auth/loginKey", userName="practice", apiKey="practice"))["token"]
        return self

    async def place(self, **fields: Any) -> Json:
        """A market order to buy one MNQ, except as said."""
        order = {"accountId": ACCOUNT, "contractId": MNQ, "type": 2, "side": 0, "size": 1}
        return await self.ask("Order/place", **(order | fields))

    async def orders(self) -> dict[int, Json]:
        found = await self.ask("Order/search", accountId=ACCOUNT, startTimestamp="2026-01-01T00:00:00Z")
        return {row["id"]: row for row in found["orders"]}

    async def positions(self) -> Sequence[Json]:
        found: Sequence[Json] = (await self.ask("Position/searchOpen", accountId=ACCOUNT))["positions"]
        return found

    async def trades(self) -> Sequence[Json]:
        found: Sequence[Json] = (await self.ask("Trade/search", accountId=ACCOUNT))["trades"]
        return found

    async def balance(self) -> float:
        return float((await self.ask("Account/search", onlyActiveAccounts=False))["accounts"][0]["balance"])

    # -- hubs --------------------------------------------------------------------------------------

    async def connect(self, hub: str, query: str | None = None) -> Wire:
        """An open socket, before the handshake."""
        query = f"access_token={self.token}" if query is None else query
        socket = await self.session.ws_connect(f"{self.venue.url}/hubs/{hub}?{query}", max_msg_size=0)
        self.sockets.append(socket)
        return Wire(socket)

    async def user_hub(self) -> Wire:
        """Subscribed to everything about the account."""
        wire = await self.connect("user")
        await wire.handshake()
        for method in ("SubscribeOrders", "SubscribePositions", "SubscribeTrades"):
            await wire.call(method, ACCOUNT)
        await wire.call("SubscribeAccounts")
        return wire

    async def market_hub(self, *methods: str, contract: str = MNQ) -> Wire:
        wire = await self.connect("market")
        await wire.handshake()
        for method in methods:
            await wire.call(method, contract)
        return wire


@asynccontextmanager
async def bench(config: SimulatorConfig | None = None, start: int = START) -> AsyncIterator[PracticeDesk]:
    """A logged-in bench around all six contracts without any history."""
    clock = ManualClock(start)
    source = ScriptedMarket(tuple(CME_FUTURES.values()), start)
    async with PracticeVenue(config or SimulatorConfig(), source, clock) as venue, ClientSession() as session:
        desk = PracticeDesk(venue, clock, session)
        try:
            yield await desk.login()
        finally:
            for socket in desk.sockets:
                await socket.close()


def stop_loss(ticks: int, kind: int = 4) -> Json:
    return {"stopLossBracket": {"ticks": ticks, "type": kind}}


def take_profit(ticks: int, kind: int = 1) -> Json:
    return {"takeProfitBracket": {"ticks": ticks, "type": kind}}


async def enter(desk: PracticeDesk, **fields: Any) -> int:
    """Be long one MNQ from 29,500.50 with a bracket; gives the entry's id."""
    desk.quote(118_000, 118_001)
    answer = await desk.place(**({"customTag": "t1"} | stop_loss(-40) | take_profit(80) | fields))
    desk.wait(8)
    desk.wait(18)
    return int(answer["orderId"])
