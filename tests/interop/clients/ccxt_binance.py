"""An order's life by ccxt, on Binance's practice twin. A line of JSON for each step that is done."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

ccxt: Any = import_module("ccxt")

URL, KEY, SECRET = (os.environ[f"INTEROP_{name}"] for name in ("URL", "KEY", "SECRET"))
SYMBOL = "BTC/USDT"


def step(name: str) -> None:
    sys.stdout.write(json.dumps({"step": name}) + "\n")
    sys.stdout.flush()


def main() -> None:
    options = {"defaultType": "spot", "fetchCurrencies": False, "fetchMargins": False}
    venue: Any = ccxt.binance(
        {
            "apiKey": KEY,
            "secret": SECRET,
            "options": {**options, "fetchMarkets": {"types": ["spot"]}, "adjustForTimeDifference": True},
        }
    )
    venue.urls["api"] |= dict.fromkeys(("public", "private"), f"{URL}/api/v3")
    market = venue.load_markets()[SYMBOL]
    assert market["spot"]
    assert market["limits"]["cost"]["min"] == 5
    step("symbols")
    assert len(venue.fetch_ohlcv(SYMBOL, "1m", limit=10)) == 10
    step("bars")
    bid = venue.fetch_order_book(SYMBOL)["bids"][0][0]
    step("book")
    bought = venue.create_order(SYMBOL, "market", "buy", 0.01)
    assert bought["status"] == "closed"
    assert bought["filled"] == 0.01
    step("market")
    rests = venue.create_order(SYMBOL, "limit", "buy", 0.01, round(bid * 0.95, 2))
    assert [one["id"] for one in venue.fetch_open_orders(SYMBOL)] == [rests["id"]]
    step("limit")
    moved = venue.edit_order(rests["id"], SYMBOL, "limit", "buy", 0.01, round(bid * 0.96, 2))
    [there] = venue.fetch_open_orders(SYMBOL)
    assert there["price"] == round(bid * 0.96, 2)
    step("replace")
    assert venue.cancel_order(moved["id"], SYMBOL)["status"] == "canceled"
    step("cancel")
    stop = venue.create_order(SYMBOL, "market", "sell", 0.009, None, {"stopLossPrice": round(bid * 0.95, 2)})
    assert venue.fetch_order(stop["id"], SYMBOL)["status"] == "open"
    venue.cancel_all_orders(SYMBOL)
    assert venue.fetch_open_orders(SYMBOL) == []
    step("stop")
    try:
        venue.create_order(SYMBOL, "limit", "sell", 900, round(bid * 1.05, 2))
    except ccxt.InsufficientFunds:
        step("refusal")
    [trade] = venue.fetch_my_trades(SYMBOL)
    assert trade["amount"] == 0.01
    assert trade["fee"]["currency"] == "BTC"
    assert venue.fetch_balance()["BTC"]["free"] > 0
    step("account")


main()
