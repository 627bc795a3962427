"""topstep-client-py."""

from __future__ import annotations

from typing import Any

import scenario
from topstep import Bracket, MarketHub, PlaceOrderRequest, TopstepClient, UserHub


class TopstepClientPy(scenario.TwoTopsteps):  # type: ignore[misc]
    async def login(self) -> int:
        self._client = await TopstepClient.create(scenario.USER, scenario.KEY, base_url=scenario.URL)
        self._account = int((await self._client.accounts.search())[0].id)
        return self._account

    async def search(self, symbol: str) -> str:
        found = [c for c in await self._client.contracts.search(symbol) if c.name.startswith(symbol)]
        return str(sorted(found, key=lambda contract: contract.name)[0].id)

    async def bars(self, contract: str) -> int:
        return len(
            await self._client.history.retrieve_bars(contract, scenario.EARLIEST, scenario.LATEST, limit=500)
        )

    async def hubs(self, contract: str, hear: Any) -> None:
        token = self._client.token
        self._market = MarketHub(token, f"{scenario.URL}/hubs/market")
        self._user = UserHub(token, f"{scenario.URL}/hubs/user")
        self._market.on_quote(lambda told: hear("quote", told[1].get("lastPrice")))
        self._market.on_trade(lambda *_: hear("trade"))
        self._user.on_order(lambda *_: hear("order"))
        await self._market.connect()
        await self._user.connect()
        await self._market.subscribe_quotes(contract)
        await self._market.subscribe_trades(contract)
        await self._user.subscribe_orders(self._account)

    async def place(self, contract: str, kind: int, side: int, size: int, **more: Any) -> int:
        order = PlaceOrderRequest(
            account_id=self._account,
            contract_id=contract,
            type=kind,
            side=side,
            size=size,
            limit_price=more.get("limit"),
            stop_price=more.get("stop"),
            trail_price=more.get("trail"),
            **scenario.legs(more, Bracket),
        )
        return int(await self._client.orders.place(order))

    async def reconnect(self, contract: str, hear: Any) -> None:
        """Its hubs connect again, but nothing subscribes: it waits for "opened" and is told "reconnected"."""
        await self.end()
        await self.hubs(contract, hear)

    async def end(self) -> None:
        await self._market.stop()
        await self._user.stop()


if __name__ == "__main__":
    scenario.main(TopstepClientPy())
