"""What every foreign client does at the practice venue, step by step. Runs in the client's own environment.

Each step is a line of JSON on stdout. Before the last one it says that its hubs may be dropped, and goes on
with the next line on stdin.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

URL, USER, KEY = (os.environ[f"INTEROP_{name}"] for name in ("URL", "USER", "KEY"))
LIMIT, MARKET, STOP, TRAILING, JOIN_BID, JOIN_ASK = 1, 2, 4, 5, 6, 7
BUY, SELL = 0, 1
PATIENCE_S = 45.0
LATEST = datetime.fromtimestamp(time.time(), UTC) + timedelta(days=7)
"""Practice time may be another day's."""
EARLIEST = LATEST - timedelta(days=30)


class Client(Protocol):
    """One library's way to do a thing."""

    async def login(self) -> int:
        """Gives the account's id."""

    async def search(self, symbol: str) -> str:
        """The contract's id."""

    async def bars(self, contract: str) -> int:
        """How many of the last hour's minutes there are."""

    async def hubs(self, contract: str, hear: Callable[..., None]) -> None:
        """Listen to both; `hear` is told "quote", "trade" or "order", with the last price of a quote."""

    async def place(self, contract: str, kind: int, side: int, size: int, **more: Any) -> int:
        """`more`: limit, stop, trail (prices), stop_ticks, target_ticks (signed). Gives the order's id."""

    async def modify(self, order: int, limit: float) -> None: ...

    async def cancel(self, order: int) -> None: ...

    async def working(self) -> dict[int, float | None]:
        """Ids of the open orders with their limit prices."""

    async def held(self) -> int:
        """Contracts, without a sign."""

    async def partial_close(self, contract: str, size: int) -> None: ...

    async def reconnect(self, contract: str, hear: Callable[..., None]) -> None:
        """What its user has to do once the hubs are gone; most do it by themselves."""

    async def end(self) -> None: ...


class TwoTopsteps:
    """What topstep-sdk and topstep-client-py call alike."""

    _client: Any
    _account: int

    async def modify(self, order: int, limit: float) -> None:
        await self._client.orders.modify(self._account, order, limit_price=limit)

    async def cancel(self, order: int) -> None:
        await self._client.orders.cancel(self._account, order)

    async def working(self) -> dict[int, float | None]:
        return {o.id: o.limit_price for o in await self._client.orders.search_open(self._account)}

    async def held(self) -> int:
        return sum(p.size for p in await self._client.positions.search_open(self._account))

    async def partial_close(self, contract: str, size: int) -> None:
        await self._client.positions.partial_close(self._account, contract, size)


def legs(more: dict[str, Any], make: Callable[..., Any] = dict) -> dict[str, Any]:
    """The brackets that are asked for, as keyword arguments."""
    known = (("stop_ticks", "stop_loss_bracket", STOP), ("target_ticks", "take_profit_bracket", LIMIT))
    return {field: make(ticks=more[key], type=kind) for key, field, kind in known if key in more}


class Heard:
    """What the hubs have told."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.last = 0.0

    def __call__(self, what: str, last: float | None = None) -> None:
        self.counts[what] += 1
        self.last = last or self.last


def say(step: str, **more: Any) -> None:
    sys.stdout.write(json.dumps({"step": step} | more) + "\n")
    sys.stdout.flush()


async def until(true: Callable[[], Any], what: str) -> None:
    """Wait until something is true; a coroutine function is asked again and again."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = true()
                if await answer if isinstance(answer, Awaitable) else answer:
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}") from None


async def play(client: Client) -> None:
    await client.login()
    say("login")
    contract = await client.search("MNQ")
    assert contract.startswith("CON.F.US.MNQ."), contract
    say("search")
    assert await client.bars(contract) > 30
    say("bars")
    heard = Heard()
    await client.hubs(contract, heard)
    await until(lambda: heard.counts["quote"] and heard.counts["trade"] and heard.last, "the market is heard")
    say("market hub")

    async def has(order: int) -> bool:
        return order in await client.working()

    async def holds(size: int) -> bool:
        return await client.held() == size

    far = round(heard.last - 50)
    order = await client.place(contract, LIMIT, BUY, 1, limit=far)
    await until(lambda: heard.counts["order"], "the user hub tells of the order")
    await until(lambda: has(order), "the limit rests")
    say("user hub")
    say("limit")
    await client.modify(order, far - 1)

    async def modified() -> bool:
        return (await client.working()).get(order) == far - 1

    await until(modified, "the limit has moved")
    say("modify")
    await client.cancel(order)

    async def gone() -> bool:
        return not await has(order)

    await until(gone, "the limit is gone")
    say("cancel")
    for name, kind, side, more in (
        ("stop", STOP, SELL, {"stop": far}),
        ("trailing stop", TRAILING, SELL, {"trail": far}),
        ("join bid", JOIN_BID, BUY, {}),
        ("join ask", JOIN_ASK, SELL, {}),
    ):
        assert await client.place(contract, kind, side, 1, **more) > 0, name
        say(name)
    for one in await client.working():
        with suppress(Exception):  # libraries say in ways of their own that it has been filled meanwhile
            await client.cancel(one)

    async def idle() -> bool:
        return not await client.working()

    await until(idle, "nothing works any more")
    before = await client.held()
    await client.place(contract, MARKET, BUY, 3 + before, stop_ticks=-400, target_ticks=400)

    async def bracketed() -> bool:
        return len(await client.working()) == 2

    await until(bracketed, "both legs work")
    size = await client.held()
    assert size > 1, size
    say("market")
    say("brackets")
    await client.partial_close(contract, 1)
    await until(lambda: holds(size - 1), "a contract is closed")
    say("partial close")
    say("drop the hubs")
    await asyncio.to_thread(sys.stdin.readline)
    heard.counts.clear()
    await client.reconnect(contract, heard)
    await until(lambda: heard.counts["quote"], "the market is heard again")
    resting = await client.place(contract, LIMIT, BUY, 1, limit=far)
    await until(lambda: heard.counts["order"], "the user hub tells of orders again")
    await client.cancel(resting)
    say("reconnect")
    await client.end()


def main(client: Client) -> None:
    asyncio.run(play(client))
