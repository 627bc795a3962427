"""A practice venue that is a process of its own: it can be killed, and looked at as any client may look."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec

from adapters.common.steady import passing_ns
from adapters.simulator.exchange.codes import SideCode, TypeCode
from adapters.simulator.process import Ready, VenueStart
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Side
from engine.model.orders import Fill
from tests.support.patience import patient

ROOT = Path(__file__).parents[2]
USER = KEY = "practice"
DOWN_NS = 2 * NANOS
"""Real time in which a venue that was killed comes back; its practice time goes on behind it."""
_WORKING = 1


class Held(NamedTuple):
    """What an account holds in one instrument."""

    qty: int
    """Signed."""
    stopped: int
    """Contracts that working stops would close."""


class Books(NamedTuple):
    """An account as the venue tells it."""

    held: dict[str, Held]
    """By symbol, what is not flat."""
    orders: int
    """That work or may still work."""
    balance_usd: Decimal

    @property
    def flat(self) -> bool:
        return not self.held and not self.orders

    @property
    def protected(self) -> bool:
        return all(one.stopped >= abs(one.qty) for one in self.held.values())


class VenueProcess:
    """One practice venue, over all of its lives."""

    def __init__(self, folder: Path, name: str, accounts: int, *instruments: Instrument) -> None:
        self.name = name
        self.instruments = {f".{one.root}.": one for one in instruments}
        self._folder = folder
        self._start = VenueStart(
            seed=60, speed=20.0, rate=1.0, state=str(folder / f"{name}.db"), key=KEY, accounts=accounts
        )
        self._process: asyncio.subprocess.Process | None = None
        self._http: aiohttp.ClientSession | None = None
        self._token = ""
        self.kills = 0
        self.ready: Ready | None = None
        self.accounts: dict[str, int] = {}
        """Account names to their ids at the venue."""

    async def start(self, beside: Ready | None) -> None:
        """Begin, in the practice time of another venue where one is given."""
        await self._run(msgspec.structs.replace(self._start, beside=beside))
        found = await self._post("Account/search", {"onlyActiveAccounts": True})
        self.accounts = {row["name"]: row["id"] for row in found["accounts"]}

    async def restart(self) -> None:
        """Be killed, and come back with what was kept."""
        ready = self.ready
        assert ready is not None
        self.kills += 1
        await self.kill()
        since = ready.clock.at(passing_ns()) + round(DOWN_NS * ready.rate)
        again = msgspec.structs.replace(self._start, beside=ready, port=ready.port, since_ns=since)
        await self._run(again)

    async def kill(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def _run(self, start: VenueStart) -> None:
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tstream.run.practice_venue", cwd=ROOT,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(start) + b"\n")
        async with asyncio.timeout(patient(20)):
            self.ready = msgspec.json.decode(await process.stdout.readline(), type=Ready)
        self._http = aiohttp.ClientSession(self.ready.url)
        self._token = ""

    # -- looking ---------------------------------------------------------------------------------------

    async def books(self, account: str) -> Books:
        """An account's positions, stops and balance, each by its own question."""
        body = {"accountId": self.accounts[account]}
        positions = (await self._post("Position/searchOpen", body))["positions"]
        orders = (await self._post("Order/searchOpen", body))["orders"]
        accounts = (await self._post("Account/search", {"onlyActiveAccounts": False}))["accounts"]
        held = {}
        for row in positions:
            qty = row["size"] if row["type"] == 1 else -row["size"]
            against = SideCode.SELL if qty > 0 else SideCode.BUY
            stops = sum(
                order["size"] - order.get("fillVolume", 0)
                for order in orders
                if (order["contractId"], order["side"], order["type"], order["status"])
                == (row["contractId"], against, TypeCode.STOP, _WORKING)
            )
            held[self._instrument(row["contractId"]).symbol] = Held(qty, stops)
        balance = next(row["balance"] for row in accounts if row["name"] == account)
        return Books(held, len(orders), Decimal(str(balance)))

    async def fills(self, account: str, since: str) -> list[Fill]:
        """Every half-turn of an account since a time, as the engine should know it."""
        body = {"accountId": self.accounts[account], "startTimestamp": since}
        rows = (await self._post("Trade/search", body))["trades"]
        return [
            Fill(
                str(row["id"]),
                str(row["orderId"]),
                (one := self._instrument(row["contractId"])).symbol,
                Side.BUY if row["side"] == SideCode.BUY else Side.SELL,
                one.ticks(Decimal(str(row["price"]))),
                row["size"],
                Decimal(str(row["fees"])) + Decimal(str(row.get("commissions") or 0)),
                0,
            )
            for row in rows
            if not row.get("voided")
        ]

    async def tags(self, account: str, since: str) -> list[str]:
        """The client ids of every order that the account has ever been sent since a time."""
        body = {"accountId": self.accounts[account], "startTimestamp": since}
        rows = (await self._post("Order/search", body))["orders"]
        return [row["customTag"] for row in rows if row.get("customTag")]

    def _instrument(self, contract_id: str) -> Instrument:
        return next(one for root, one in self.instruments.items() if root in contract_id)

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert self._http is not None
        if not self._token:
            async with self._http.post("/api/Auth/loginKey", json={"userName": USER, "apiKey": KEY}) as reply:
                self._token = (await reply.json())["token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._http.post(f"/api/{path}", json=body, headers=headers) as reply:
            found: dict[str, Any] = await reply.json()
        assert found["success"], (path, found)
        return found
