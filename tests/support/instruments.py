"""Instruments of other kinds than a future: what a perpetual, a coin and a share are made of."""

from __future__ import annotations

from decimal import Decimal

from engine.model.instrument import Instrument, InstrumentKind

D = Decimal

PERPETUAL = Instrument(
    symbol="BTCUSDT.P",
    root="BTCUSDT",
    description="Bitcoin perpetual",
    tick_size=D("0.1"),
    tick_value_usd=D("0.00001"),
    fee_usd=D(0),
    commission_usd=D(0),
    kind=InstrumentKind.PERPETUAL,
    lot_size=D("0.0001"),
    currency="USDT",
    base="BTC",
    calendar="always",
    maker_rate=D("0.0002"),
    taker_rate=D("0.0005"),
    least_notional=D(5),
    margin_rate=D("0.1"),
)
SPOT = Instrument(
    symbol="ETHUSDT",
    root="ETHUSDT",
    description="Ether",
    tick_size=D("0.01"),
    tick_value_usd=D("0.000001"),
    fee_usd=D(0),
    commission_usd=D(0),
    kind=InstrumentKind.SPOT,
    lot_size=D("0.0001"),
    currency="USDT",
    base="ETH",
    calendar="always",
    maker_rate=D("0.001"),
    taker_rate=D("0.001"),
    shortable=False,
    least_notional=D(5),
)
SHARE = Instrument(
    symbol="ACME",
    root="ACME",
    description="A share",
    tick_size=D("0.01"),
    tick_value_usd=D("0.01"),
    fee_usd=D(0),
    commission_usd=D("0.0035"),
    kind=InstrumentKind.EQUITY,
    calendar="us_equities",
)
