"""Hand-made products and messages of Kraken Futures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import structs

from engine.model.instrument import Instrument, InstrumentKind

D = Decimal
BTC = Instrument(
    symbol="BTCUSDT.P",
    root="PF_XBTUSD",
    description="Bitcoin perpetual",
    tick_size=D("0.5"),
    tick_value_usd=D("0.00005"),
    fee_usd=D(0),
    commission_usd=D(0),
    kind=InstrumentKind.PERPETUAL,
    lot_size=D("0.0001"),
    currency="USD",
    base="BTC",
    calendar="always",
    maker_rate=D("0.0002"),
    taker_rate=D("0.0005"),
)
PAIR: dict[str, Any] = {
    "symbol": "PF_XBTUSD",
    "base": "BTC",
    "quote": "USD",
    "status": "online",
    "price_increment": 0.5,
    "price_precision": 1,
    "qty_increment": 0.0001,
    "qty_precision": 4,
    "qty_min": 0.0002,
}

V1_INSTRUMENT: dict[str, Any] = {
    "symbol": "PF_XBTUSD",
    "type": "flexible_futures",
    "tickSize": 0.5,
    "contractSize": 1,
    "tradeable": True,
    "contractValueTradePrecision": 4,
    "base": "BTC",
    "quote": "USD",
}


def product(**changes: Any) -> Instrument:
    """Bitcoin's perpetual, with changes."""
    return structs.replace(BTC, **changes)
