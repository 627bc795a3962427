"""Records of the Kraken wire as the twin writes them: numbers with the product's own digits, times as text.

Source of the forms: docs/protocols/kraken.md.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import msgspec

from adapters.common import stamps
from adapters.simulator.twins.records import TwinFill, TwinOrder
from engine.model.instrument import NOTHING, Instrument
from engine.model.orders import OrderType

Json = dict[str, Any]

TYPES = {OrderType.MARKET: "market", OrderType.LIMIT: "limit", OrderType.STOP: "stop-loss"}

_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(message: Json) -> str:
    """As text. Decimals become numbers with the digits that they have."""
    return _encoder.encode(message).decode()


def stamp(ts: int) -> str:
    """RFC 3339 with six digits."""
    return f"{stamps.text(ts)[:-2]}Z"


def price(instrument: Instrument, ticks: int) -> Decimal:
    return Decimal(instrument.text(ticks))


def quantity(instrument: Instrument, lots: int) -> Decimal:
    return Decimal(instrument.qty_text(lots))


def order_id(number: int) -> str:
    """The twin's number as the UUID that derivatives have."""
    return str(uuid.UUID(int=number))


def order_number(text: object) -> int:
    """And back; 0 for anything else."""
    try:
        return uuid.UUID(str(text)).int
    except ValueError:
        return 0


def digits(instrument: Instrument) -> tuple[int, int]:
    """After the point of price and quantity."""
    return instrument.decimals, max(0, -int(instrument.lot_size.normalize().as_tuple().exponent))


def pair(instrument: Instrument, least_lots: int) -> Json:
    """A row of the channel `instrument`."""
    of_price, of_qty = digits(instrument)
    return {
        "symbol": instrument.root,
        "base": instrument.base,
        "quote": instrument.currency,
        "status": "online",
        "price_increment": instrument.tick_size,
        "price_precision": of_price,
        "qty_increment": instrument.lot_size,
        "qty_precision": of_qty,
        "qty_min": instrument.qty(least_lots),
    }


def order_row(order: TwinOrder, instrument: Instrument, exec_type: str, status: str) -> Json:
    """A row of `executions`: the order as it stands."""
    told = order.order
    row: Json = {
        "order_id": order_id(order.id),
        "exec_type": exec_type,
        "symbol": instrument.root,
        "side": told.side.value,
        "order_type": order.note.get("type", TYPES[told.type]),
        "order_status": status,
        "time_in_force": "ioc" if order.now_or_never else "gtc",
        "order_qty": quantity(instrument, told.qty),
        "cum_qty": quantity(instrument, told.filled_qty),
        "reduce_only": order.reduces,
        "timestamp": stamp(told.ts_venue),
    }
    if told.client_id is not None:
        row["cl_ord_id"] = told.client_id
    if told.limit is not None:
        row["limit_price"] = price(instrument, told.limit)
    if told.stop is not None:
        row["triggers"] = {"reference": "last", "price": price(instrument, told.stop), "price_type": "static"}
    return row


def fill_row(fill: TwinFill, order: TwinOrder, instrument: Instrument) -> Json:
    """A row of type `trade`; it calls an order partially filled even where it completes it."""
    one = fill.fill
    row = order_row(order, instrument, "trade", "partially_filled")
    return row | {
        "exec_id": order_id(fill.id),
        "trade_id": fill.id,
        "last_qty": quantity(instrument, one.qty),
        "last_price": price(instrument, one.price),
        "liquidity_ind": "m" if fill.maker else "t",
        "fees": [{"asset": "USD", "qty": one.cost_usd}],
        "timestamp": stamp(one.ts_venue),
    }


def position_row(instrument: Instrument, lots: int, average: Decimal | None) -> Json:
    return {
        "symbol": instrument.root,
        "size": quantity(instrument, lots),
        "entry_price": NOTHING if average is None else average,
    }
