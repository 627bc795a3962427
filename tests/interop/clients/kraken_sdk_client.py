"""An order's life by python-kraken-sdk, whose Spot client speaks the same v2 messages, on the twin of Kraken.

It signs its own token requests and renders its own messages. What differs from spot: the paths end in /public
and /private, and derivatives want `asset_class` in subscriptions and orders.
"""

# mypy: ignore-errors

import asyncio
import json
import os
import sys
import uuid

from kraken.spot import SpotWSClient

HOST = os.environ["INTEROP_URL"].removeprefix("http://")
KEY, SECRET = os.environ["INTEROP_KEY"], os.environ["INTEROP_SECRET"]
SYMBOL = "PF_XBTUSD"


class Client(SpotWSClient):
    API_V = ""


def step(name):
    sys.stdout.write(json.dumps({"step": name}) + "\n")
    sys.stdout.flush()


class Heard:
    """Everything that came, and a wait for what is looked for."""

    def __init__(self):
        self.messages = []
        self._news = asyncio.Event()

    async def take(self, message):
        self.messages.append(message)
        self._news.set()

    async def until(self, found):
        async with asyncio.timeout(15):
            while True:
                for message in self.messages:
                    if (value := found(message)) is not None:
                        return value
                self._news.clear()
                await self._news.wait()

    async def reply(self, req_id):
        return await self.until(lambda m: m if m.get("req_id") == req_id else None)

    async def execution(self, order_id, kind):
        def found(message):
            rows = message.get("data", []) if message.get("channel") == "executions" else []
            return next((r for r in rows if r["order_id"] == order_id and r["exec_type"] == kind), None)

        return await self.until(found)


async def main():
    heard = Heard()
    client = Client(
        key=KEY,
        secret=SECRET,
        callback=heard.take,
        rest_url=os.environ["INTEROP_URL"],
        ws_url=f"ws://{HOST}/v2/public",
        auth_ws_url=f"ws://{HOST}/v2/private",
    )
    async with client:
        await client.subscribe({"channel": "instrument", "asset_class": "derivatives"})
        pairs = await heard.until(lambda m: m["data"]["pairs"] if m.get("channel") == "instrument" else None)
        assert SYMBOL in [pair["symbol"] for pair in pairs]
        step("products")
        await client.subscribe({"channel": "book", "symbol": [SYMBOL], "asset_class": "derivatives"})
        book = await heard.until(lambda m: m["data"][0] if m.get("channel") == "book" else None)
        bid = book["bids"][0]["price"]
        assert bid < book["asks"][0]["price"]
        step("book")
        await client.subscribe(
            {"channel": "executions", "asset_class": "derivatives", "snap_orders": True, "snap_trades": True}
        )
        await heard.until(lambda m: True if m.get("channel") == "executions" else None)
        step("executions")

        numbers = iter(range(100, 1000))

        async def ask(method, **params):
            req_id = next(numbers)
            await client.send_message({"method": method, "params": params, "req_id": req_id})
            return await heard.reply(req_id)

        async def add(**params):
            usual = {"asset_class": "derivatives", "symbol": SYMBOL, "order_qty": 0.002}
            return await ask("add_order", **usual, cl_ord_id=str(uuid.uuid4()), **params)

        bought = (await add(side="buy", order_type="market"))["result"]["order_id"]
        fill = await heard.execution(bought, "trade")
        assert fill["last_qty"] > 0
        await heard.execution(bought, "filled")
        step("market")
        resting = (await add(side="buy", order_type="limit", limit_price=bid - 500))["result"]["order_id"]
        await heard.execution(resting, "new")
        step("limit")
        moved = await ask("amend_order", asset_class="derivatives", order_id=resting, limit_price=bid - 600)
        assert moved["success"], moved
        row = await heard.execution(resting, "amended")
        assert row["limit_price"] == bid - 600
        step("amend")
        assert (await ask("cancel_order", order_id=[resting]))["success"]
        await heard.execution(resting, "canceled")
        step("cancel")
        stop = await add(
            side="sell",
            order_type="stop-loss",
            reduce_only=True,
            triggers={"reference": "last", "price": bid - 5000, "price_type": "static"},
        )
        await heard.execution(stop["result"]["order_id"], "new")
        assert (await ask("cancel_all"))["result"]["count"] == 1
        step("stop")
        refused = await add(side="sell", order_type="limit", limit_price=bid + 0.37)
        assert refused["success"] is False
        assert refused["error"]
        step("refusal")
        sold = (await add(side="sell", order_type="market", reduce_only=True))["result"]["order_id"]
        await heard.execution(sold, "filled")
        step("close")


asyncio.run(main())
