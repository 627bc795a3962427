"""Orders of ours to parameters of requests, refused here where the venue would refuse them. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.common.grid_texts import MOST_STEPS
from adapters.kraken.client_ids import outward
from engine.model.effects import ModifyOrder, PlaceOrder
from engine.model.errors import Cause, RefusedError
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import Capabilities, OrderType

CAPABILITIES = Capabilities(native_brackets=False)
"""Stops rest at the venue and orders only reduce where they are told to; an entry takes no bracket along."""
DERIVATIVES = "derivatives"

_WIRE_TYPES = {OrderType.MARKET: "market", OrderType.LIMIT: "limit", OrderType.STOP: "stop-loss"}


def add_order(order: PlaceOrder, symbol: str, instrument: Instrument, least: Decimal) -> dict[str, Any]:
    """Parameters of add_order; `least` is the smallest quantity that the venue takes. Raises RefusedError."""
    if order.stop_offset is not None or order.target_offset is not None:
        raise RefusedError(
            "the venue keeps no brackets: stop and target are orders of our own", cause=Cause.NO_BRACKETS
        )
    if order.type is OrderType.LIMIT and order.limit is None:
        raise RefusedError("a limit order without its price")
    if order.type is OrderType.STOP and order.stop is None:
        raise RefusedError("a stop order without its price")
    params: dict[str, Any] = {
        "asset_class": DERIVATIVES,
        "symbol": symbol,
        "side": order.side.value,
        "order_type": _WIRE_TYPES[order.type],
        "order_qty": quantity(order.qty, instrument, least),
        "cl_ord_id": outward(order.client_id),
    }
    if order.type is OrderType.LIMIT and order.limit is not None:
        params |= {"limit_price": price(order.limit, instrument), "time_in_force": "gtc"}
    if order.type is OrderType.STOP and order.stop is not None:
        params["triggers"] = {
            "reference": "last",
            "price": price(order.stop, instrument),
            "price_type": "static",
        }
    if order.reduces:
        params["reduce_only"] = True
    return params


def close_order(symbol: str, qty: int, client_id: str, instrument: Instrument) -> dict[str, Any]:
    """Parameters of the order that closes a net position of `qty` signed lots: it can't open anything."""
    return {
        "asset_class": DERIVATIVES,
        "symbol": symbol,
        "side": (Side.SELL if qty > 0 else Side.BUY).value,
        "order_type": "market",
        "order_qty": instrument.qty(abs(qty)),
        "reduce_only": True,
        "cl_ord_id": client_id,
    }


def amend_order(change: ModifyOrder, instrument: Instrument, least: Decimal) -> dict[str, Any]:
    """Parameters of amend_order; the quantity is the total, filled part included. Raises RefusedError."""
    params: dict[str, Any] = {"asset_class": DERIVATIVES, "order_id": change.venue_id}
    if change.qty is not None:
        params["order_qty"] = quantity(change.qty, instrument, least)
    if change.limit is not None:
        params["limit_price"] = price(change.limit, instrument)
    if change.stop is not None:
        params["trigger_price"] = price(change.stop, instrument)
    if len(params) == 2:
        raise RefusedError("a change that changes nothing")
    return params


def cancel_order(venue_id: str) -> dict[str, Any]:
    return {"order_id": [venue_id]}


def quantity(lots: int, instrument: Instrument, least: Decimal) -> Decimal:
    """Raises RefusedError for none, and for less than the venue takes."""
    if not 0 < lots <= MOST_STEPS:
        raise RefusedError(f"a quantity of {lots} lots: at least one is needed")
    qty = instrument.qty(lots)
    if qty < least:
        raise RefusedError(
            f"{instrument.qty_text(lots)} {instrument.symbol} is too little: at least {least.normalize():f}"
        )
    return qty


def price(ticks: int, instrument: Instrument) -> Decimal:
    """Raises RefusedError for a price that is none."""
    if not 0 < ticks <= MOST_STEPS:
        raise RefusedError(f"a price of {ticks} ticks is none")
    return instrument.price(ticks)
