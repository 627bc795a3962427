"""project-x-py."""

from __future__ import annotations

from typing import Any

import scenario
from project_x_py import ProjectX, ProjectXRealtimeClient
from project_x_py.event_bus import EventBus
from project_x_py.models import ProjectXConfig
from project_x_py.order_manager import OrderManager
from project_x_py.position_manager import PositionManager


class ProjectXPy:
    def __init__(self) -> None:
        self._config = ProjectXConfig(
            api_url=f"{scenario.URL}/api",
            user_hub_url=f"{scenario.URL}/hubs/user",
            market_hub_url=f"{scenario.URL}/hubs/market",
        )
        self._client = ProjectX(scenario.USER, scenario.KEY, self._config)

    async def login(self) -> int:
        await self._client.__aenter__()
        await self._client.authenticate()
        self._account = int(self._client.get_account_info().id)
        bus = EventBus()
        self._orders = OrderManager(self._client, bus)
        self._positions = PositionManager(self._client, bus)
        return self._account

    async def search(self, symbol: str) -> str:
        return str((await self._client.get_instrument(symbol)).id)

    async def bars(self, contract: str) -> int:
        found = await self._client.get_bars(
            "MNQ", interval=1, unit=2, limit=500, start_time=scenario.EARLIEST, end_time=scenario.LATEST
        )
        return len(found)

    async def hubs(self, contract: str, hear: Any) -> None:
        token = self._client.get_session_token()
        self._hubs = ProjectXRealtimeClient(token, str(self._account), config=self._config)

        async def quote(told: dict[str, Any]) -> None:
            hear("quote", told.get("data", told).get("lastPrice"))

        async def trade(_: Any) -> None:
            hear("trade")

        async def order(_: Any) -> None:
            hear("order")

        for name, callback in (("quote_update", quote), ("market_trade", trade), ("order_update", order)):
            await self._hubs.add_callback(name, callback)
        assert await self._hubs.connect()
        await self._hubs.subscribe_user_updates()
        await self._hubs.subscribe_market_data([contract])
        await self._orders.initialize(self._hubs)
        await self._positions.initialize(self._hubs)

    async def place(self, contract: str, kind: int, side: int, size: int, **more: Any) -> int:
        answer = await self._orders.place_order(
            contract,
            kind,
            side,
            size,
            limit_price=more.get("limit"),
            stop_price=more.get("stop"),
            trail_price=more.get("trail"),
            **scenario.legs(more),
        )
        return int(answer.orderId)

    async def modify(self, order: int, limit: float) -> None:
        assert await self._orders.modify_order(order, limit_price=limit)

    async def cancel(self, order: int) -> None:
        assert await self._orders.cancel_order(order)

    async def working(self) -> dict[int, float | None]:
        return {o.id: o.limitPrice for o in await self._orders.search_open_orders()}

    async def held(self) -> int:
        return sum(p.size for p in await self._client.search_open_positions())

    async def partial_close(self, contract: str, size: int) -> None:
        await self._positions.partially_close_position(contract, size)

    async def reconnect(self, contract: str, hear: Any) -> None:
        """It does so by itself."""

    async def end(self) -> None:
        await self._hubs.disconnect()


if __name__ == "__main__":
    scenario.main(ProjectXPy())
