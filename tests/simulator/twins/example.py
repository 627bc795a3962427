"""The smallest wire, with JSON of its own: a twin's base needs nothing else of a venue."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from adapters.simulator.process import VenueStart
from adapters.simulator.twins import process
from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinTrade
from adapters.simulator.twins.records import TwinFill, TwinOrder
from adapters.simulator.twins.refusals import TwinRefusedError
from adapters.simulator.twins.sockets import TwinSocket
from adapters.simulator.twins.trouble import Trouble
from adapters.simulator.twins.wire import TwinWire
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from tests.support.instruments import PERPETUAL, SPOT

INSTRUMENTS = (PERPETUAL, SPOT)


class ExampleWire(TwinWire):
    """POST /order, GET /orders, and a socket that takes orders and tells trades, orders and fills."""

    NAME = "example"
    CALLS = ("place", "orders")
    STREAMS = ("trades", "orders", "fills")
    SOCKETS = ("all",)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.post("/order", self._post),
            web.get("/orders", self._orders),
            web.get("/stream", self._stream),
        ]

    def call_of(self, request: web.Request) -> str:
        return {"/order": "place", "/orders": "orders"}.get(request.path, "")

    async def _post(self, request: web.Request) -> web.Response:
        return web.Response(
            text=self._place(json.loads(await request.text())), content_type="application/json"
        )

    async def _orders(self, _request: web.Request) -> web.Response:
        rows = [_row(one) for one in self.exchange.account.orders.values()]
        return web.json_response({"now": self.exchange.now(), "orders": rows})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        return await self.sockets.serve(request, "all", self._heard)

    async def _heard(self, socket: TwinSocket, text: str) -> None:
        asked = json.loads(text)
        if "listen" in asked:
            socket.topics.add(asked["listen"])
            socket.answer(json.dumps({"listening": asked["listen"]}))
            return
        await self.ask(socket, "place", lambda: self._place(asked), _in_words)

    def _place(self, asked: dict[str, Any]) -> str:
        spec = OrderSpec(
            Side(asked["side"]), OrderType(asked["type"]), asked["qty"], asked.get("limit"), asked.get("stop")
        )
        try:
            order = self.exchange.account.place(asked["symbol"], spec, asked.get("tag"))
        except TwinRefusedError as error:
            return json.dumps({"why": error.why, "text": str(error)})
        return json.dumps(_row(order))

    def on_trade(self, trade: TwinTrade) -> None:
        row = {"trade": trade.id, "symbol": trade.print.instrument, "price": trade.print.price}
        self.sockets.publish("trades", "trades", lambda: json.dumps(row))

    def on_order(self, account: TwinAccount, order: TwinOrder) -> None:
        self.sockets.publish("orders", "orders", json.dumps(_row(order)))

    def on_fill(self, account: TwinAccount, fill: TwinFill) -> None:
        order = account.orders[int(fill.fill.venue_order_id)]
        self.sockets.publish("orders", "fills", json.dumps({**_row(order), "maker": fill.maker}))


def _row(order: TwinOrder) -> dict[str, Any]:
    one = order.order
    return {"id": order.id, "tag": one.client_id, "status": one.status, "filled": one.filled_qty}


def _in_words(trouble: Trouble) -> str:
    return json.dumps({"why": trouble.kind, "text": trouble.text})


def main() -> int:
    """As the practice venue's own process has it."""
    start = msgspec.json.decode(sys.stdin.buffer.readline(), type=VenueStart)
    return process.main(start, ExampleWire, INSTRUMENTS)


if __name__ == "__main__":
    sys.exit(main())
