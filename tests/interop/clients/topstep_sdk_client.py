"""topstep-sdk."""

from __future__ import annotations

from typing import Any

import scenario
from topstep_sdk import AsyncTopstepClient, Config
from topstep_sdk.realtime import MarketHubClient, UserHubClient


class TopstepSdk(scenario.TwoTopsteps):  # type: ignore[misc]
    def __init__(self) -> None:
        hubs = {f"{name}_hub_url": f"{scenario.URL}/hubs/{name}" for name in ("user", "market")}
        self._client = AsyncTopstepClient(
            Config(scenario.USER, scenario.KEY, rest_base_url=scenario.URL, **hubs)
        )

    async def login(self) -> int:
        self._account = int((await self._client.accounts.search())[0].id)
        return self._account

    async def search(self, symbol: str) -> str:
        return str((await self._client.contracts.get_by_symbol(symbol)).id)

    async def bars(self, contract: str) -> int:
        found = await self._client.history.retrieve_bars(
            contract, unit=2, unit_number=1, start_time=scenario.EARLIEST, end_time=scenario.LATEST
        )
        return len(found)

    async def hubs(self, contract: str, hear: Any) -> None:
        token, config = self._client._realtime_token, self._client.config
        self._market = MarketHubClient(config.market_hub_url, token)
        self._user = UserHubClient(config.user_hub_url, token)
        self._market.on_quote(lambda _, quote: hear("quote", getattr(quote, "last_price", None)))
        self._market.on_trade(lambda *_: hear("trade"))
        self._user.on_order(lambda _: hear("order"))
        await self._market.start()
        await self._user.start()
        await self._market.subscribe_quotes(contract)
        await self._market.subscribe_trades(contract)
        await self._user.subscribe_orders(self._account)

    async def place(self, contract: str, kind: int, side: int, size: int, **more: Any) -> int:
        prices = {"limit": "limit_price", "stop": "stop_price", "trail": "trail_price"}
        fields: dict[str, Any] = {prices[key]: value for key, value in more.items() if key in prices}
        fields |= scenario.legs(more)
        return int(
            await self._client.orders.place(
                self._account, contract, side=side, type=kind, size=size, **fields
            )
        )

    async def reconnect(self, contract: str, hear: Any) -> None:
        """It does so by itself."""

    async def end(self) -> None:
        await self._market.stop()
        await self._user.stop()


if __name__ == "__main__":
    scenario.main(TopstepSdk())
