"""Small hand-made answers and events, shaped as Binance's."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from adapters.binance.mapping import LotGrid
from adapters.binance.symbols import SymbolRules, rules_of
from adapters.binance.wire import SymbolRow, read
from engine.model.instrument import Instrument, InstrumentKind

NOW_MS = 1_790_000_000_000
"""A Monday of September 2026, milliseconds."""
NOW = NOW_MS * 1_000_000

BTC = Instrument(
    symbol="BTCUSDT",
    root="BTCUSDT",
    description="Bitcoin",
    tick_size=Decimal("0.01"),
    tick_value_usd=Decimal("0.0000001"),
    fee_usd=Decimal(0),
    commission_usd=Decimal(0),
    kind=InstrumentKind.SPOT,
    lot_size=Decimal("0.00001"),
    currency="USDT",
    base="BTC",
    calendar="always",
    maker_rate=Decimal("0.001"),
    taker_rate=Decimal("0.001"),
    fee_in_base=True,
    shortable=False,
    least_notional=Decimal(5),
)

TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]


def symbol(**changes: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "orderTypes": TYPES,
        "ocoAllowed": True,
        "isSpotTradingAllowed": True,
        "cancelReplaceAllowed": True,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": "0.01",
                "maxPrice": "1000000.00",
                "tickSize": "0.01000000",
            },
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00", "stepSize": "0.00001000"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.0", "maxQty": "73.00000000", "stepSize": "0.0"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        ],
    }
    return row | changes


def rules(**changes: Any) -> SymbolRules:
    return rules_of(read(json.dumps(symbol(**changes)).encode(), SymbolRow))


def grid(instrument: Instrument = BTC) -> LotGrid:
    return LotGrid(instrument)


def report(**changes: Any) -> dict[str, Any]:
    """An executionReport of a limit order that was taken."""
    row = {
        "e": "executionReport",
        "E": NOW_MS,
        "s": "BTCUSDT",
        "c": "ts-a-1-1",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.01000000",
        "p": "60000.00000000",
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 77,
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "T": NOW_MS,
        "t": -1,
        "I": 5001,
        "w": True,
        "m": False,
        "M": False,
        "O": NOW_MS,
        "Z": "0.00000000",
        "Y": "0.00000000",
        "Q": "0.00000000",
        "W": NOW_MS,
        "V": "NONE",
    }
    return row | changes


def order(**changes: Any) -> dict[str, Any]:
    """A row of GET /api/v3/order."""
    row = {
        "symbol": "BTCUSDT",
        "orderId": 77,
        "orderListId": -1,
        "clientOrderId": "ts-a-1-1",
        "price": "60000.00000000",
        "origQty": "0.01000000",
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "stopPrice": "0.00000000",
        "time": NOW_MS,
        "updateTime": NOW_MS,
        "isWorking": True,
    }
    return row | changes


def encoded(row: object) -> bytes:
    return json.dumps(row).encode()
