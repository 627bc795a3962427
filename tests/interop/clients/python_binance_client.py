"""An order's life by python-binance, on Binance's practice twin. A line of JSON for each step done."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib import import_module
from typing import Any

library: Any = import_module("binance")
AsyncClient, Streams = library.AsyncClient, library.BinanceSocketManager

URL, KEY, SECRET = (os.environ[f"INTEROP_{name}"] for name in ("URL", "KEY", "SECRET"))
SYMBOL = "BTCUSDT"
PATIENCE_S = 20


def step(name: str) -> None:
    sys.stdout.write(json.dumps({"step": name}) + "\n")
    sys.stdout.flush()


async def heard(socket: Any, holds: Any) -> Any:
    """The first message of which something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            told = await socket.recv()
            if told is not None and holds(told):
                return told


async def main() -> None:
    base = URL.replace("http", "ws", 1)
    AsyncClient.API_URL = f"{URL}/api"
    AsyncClient.WS_API_URL = f"{base}/ws-api/v3"
    Streams.STREAM_URL = f"{base}/"
    client = await AsyncClient.create(KEY, SECRET)
    try:
        info = await client.get_symbol_info(SYMBOL)
        assert info is not None
        assert info["status"] == "TRADING"
        step("symbols")
        assert len(await client.get_klines(symbol=SYMBOL, interval="1m", limit=10)) == 10
        step("bars")
        manager = Streams(client)
        async with manager.trade_socket(SYMBOL) as trades, manager.user_socket() as user:
            await heard(trades, lambda told: told.get("e") == "trade")
            step("market stream")
            bought = await client.order_market_buy(symbol=SYMBOL, quantity="0.01000")
            assert bought["status"] == "FILLED"
            assert bought["fills"]
            step("market")
            number = bought["orderId"]
            await heard(user, lambda told: told.get("i") == number and told["x"] == "TRADE")
            step("account stream")
            top = await client.get_orderbook_ticker(symbol=SYMBOL)
            bid = float(top["bidPrice"])
            low, high = f"{bid * 0.95:.2f}", f"{bid * 1.05:.2f}"
            rests = await client.order_limit_buy(symbol=SYMBOL, quantity="0.01000", price=low)
            assert [one["orderId"] for one in await client.get_open_orders(symbol=SYMBOL)] == [
                rests["orderId"]
            ]
            step("limit")
            gone = await client.cancel_order(symbol=SYMBOL, orderId=rests["orderId"])
            assert gone["status"] == "CANCELED"
            step("cancel")
            pair = await client.create_oco_order(
                symbol=SYMBOL,
                side="SELL",
                quantity="0.00900",
                aboveType="LIMIT_MAKER",
                abovePrice=high,
                belowType="STOP_LOSS",
                belowStopPrice=low,
            )
            assert len(await client.get_open_orders(symbol=SYMBOL)) == 2
            step("oco")
            await client.cancel_order(symbol=SYMBOL, orderId=pair["orders"][0]["orderId"])
            assert await client.get_open_orders(symbol=SYMBOL) == []
            step("cancel of a pair")
            try:
                await client.order_limit_sell(symbol=SYMBOL, quantity="900.00000", price=high)
            except library.exceptions.BinanceAPIException as error:
                step("refusal" if error.code == -2010 else f"refused with {error.code}")
            trades_of_ours = await client.get_my_trades(symbol=SYMBOL)
            assert sum(float(one["qty"]) for one in trades_of_ours) == 0.01
            balances = {one["asset"]: one for one in (await client.get_account())["balances"]}
            assert float(balances["BTC"]["free"]) > 0
            step("account")
    finally:
        await client.close_connection()


asyncio.run(main())
