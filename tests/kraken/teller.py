"""What the private socket tells of an account, row by row."""

from __future__ import annotations

from typing import Any

from tests.kraken.gateway import STAMP
from tests.kraken.gateway import Side as ServerSide

Row = dict[str, Any]


def execution(exec_type: str, **changes: Any) -> Row:
    """A row of the order `order-1`: buy 0.0200 at market."""
    row = {
        "order_id": "order-1",
        "cl_ord_id": "ts-abcdefgh-1-1",
        "symbol": "PF_XBTUSD",
        "side": "buy",
        "order_type": "market",
        "order_status": "new",
        "order_qty": 0.02,
        "cum_qty": 0,
        "exec_type": exec_type,
        "timestamp": STAMP,
    }
    return row | changes


def traded(exec_id: str, qty: float, cum: float, **changes: Any) -> Row:
    row = {
        "exec_id": exec_id,
        "last_qty": qty,
        "last_price": 60000.5,
        "cum_qty": cum,
        "order_status": "partially_filled",
        "fees": [{"asset": "USD", "qty": 0.6}],
    }
    return execution("trade", **(row | changes))


class Teller:
    """Sends what happens to the account, numbered as the venue numbers it."""

    def __init__(self, side: ServerSide) -> None:
        self._side = side
        self.sequence = 1

    async def __call__(self, *rows: Row) -> None:
        self.sequence += 1
        message = {"channel": "executions", "type": "update", "data": list(rows), "sequence": self.sequence}
        await self._side.send(message)

    async def positions(self, *rows: Row) -> None:
        data = {"futures": list(rows), "options": []}
        await self._side.send({"channel": "positions", "type": "update", "data": data})
