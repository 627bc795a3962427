"""An order's life by ccxt, on Bybit's practice twin. A line of JSON for each step that is done."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

ccxt: Any = import_module("ccxt")

URL, KEY, SECRET = (os.environ[f"INTEROP_{name}"] for name in ("URL", "KEY", "SECRET"))
SYMBOL = "BTC/USDT:USDT"
UNIFIED = {"enableUnifiedMargin": False, "enableUnifiedAccount": True, "unifiedMarginStatus": 6}
"""It would ask for this, which the twin does not answer."""


def step(name: str) -> None:
    sys.stdout.write(json.dumps({"step": name}) + "\n")
    sys.stdout.flush()


def main() -> None:
    options = {"defaultType": "swap", "fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}}
    venue: Any = ccxt.bybit({"apiKey": KEY, "secret": SECRET, "options": options | UNIFIED})
    venue.has["fetchCurrencies"] = False
    venue.urls["api"] = dict.fromkeys(venue.urls["api"], URL)
    market = venue.load_markets()[SYMBOL]
    assert market["linear"]
    assert market["precision"]["price"] == 0.1
    step("instruments")
    assert len(venue.fetch_ohlcv(SYMBOL, "1m", limit=10)) == 10
    step("bars")
    last = venue.fetch_ohlcv(SYMBOL, "1m", limit=2)[-1][4]
    bought = venue.create_order(SYMBOL, "market", "buy", 0.01, None, {"clientOrderId": "ccxt-1"})
    wait(lambda: venue.fetch_positions([SYMBOL])[0]["contracts"] == 0.01)
    step("market")
    stop = venue.create_order(
        SYMBOL,
        "market",
        "sell",
        0.01,
        None,
        {"triggerPrice": round(last * 0.9, 1), "triggerDirection": "descending", "reduceOnly": True},
    )
    wait(lambda: stop["id"] in [one["id"] for one in venue.fetch_open_orders(SYMBOL)])
    step("stop")
    venue.cancel_order(stop["id"], SYMBOL)
    rests = venue.create_order(SYMBOL, "limit", "buy", 0.01, round(last * 0.9, 1))
    wait(lambda: [one["id"] for one in venue.fetch_open_orders(SYMBOL)] == [rests["id"]])
    step("limit")
    venue.edit_order(rests["id"], SYMBOL, "limit", "buy", 0.02, round(last * 0.91, 1))
    wait(lambda: [one["amount"] for one in venue.fetch_open_orders(SYMBOL)] == [0.02])
    step("modify")
    venue.cancel_order(rests["id"], SYMBOL)
    wait(lambda: venue.fetch_open_orders(SYMBOL) == [])
    step("cancel")
    try:
        venue.create_order(SYMBOL, "limit", "buy", 0.01, round(last * 0.9, 1), {"clientOrderId": "ccxt-1"})
    except ccxt.InvalidOrder:
        step("duplicate")
    try:
        venue.create_order(SYMBOL, "limit", "buy", 900, round(last * 0.9, 1))
    except ccxt.InsufficientFunds:
        step("refusal")
    venue.create_order(SYMBOL, "market", "sell", 0.01, None, {"reduceOnly": True})
    wait(lambda: not [one for one in venue.fetch_positions([SYMBOL]) if one["contracts"]])
    step("close")
    trades = venue.fetch_my_trades(SYMBOL)
    assert bought["id"] in [one["order"] for one in trades]
    assert sum(one["amount"] for one in trades) == 0.02
    assert venue.fetch_balance()["USDT"]["total"] < 50_000
    step("account")


def wait(holds: Any) -> None:
    """An order is in the lists a moment after it was taken."""
    from time import monotonic, sleep

    end = monotonic() + 20
    while not holds():
        assert monotonic() < end
        sleep(0.05)


main()
