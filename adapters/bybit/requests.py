"""What is sent to change something at Bybit: bodies of its calls. Pure. Sizes and prices are texts."""

from __future__ import annotations

from adapters.bybit.config import BybitCategory
from adapters.common.grid_texts import plain
from engine.model.effects import CancelOrder, ModifyOrder, PlaceOrder
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import OrderType

Body = dict[str, str | int | bool]

EXIT, ENTRY, PLAIN = "tpslOrder", "StopOrder", "Order"
"""Kinds of orders on spot, which the venue keeps apart: stops that hold what they sell, stops that don't, and
all others."""

_SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
_RISES, _FALLS = 1, 2


def place_body(order: PlaceOrder, instrument: Instrument, category: BybitCategory) -> Body:
    """Our client id goes along as orderLinkId. A stop is a conditional order at market, which rests at the
    venue and is triggered by the last price, as the stops of our own books are.
    """
    body: Body = {
        "category": category.value,
        "symbol": instrument.root,
        "side": _SIDES[order.side],
        "orderType": "Limit" if order.type is OrderType.LIMIT else "Market",
        "qty": plain(instrument.qty(order.qty)),
        "orderLinkId": order.client_id,
    }
    if order.limit is not None:
        body |= {"price": plain(instrument.price(order.limit)), "timeInForce": "GTC"}
    if order.stop is not None:
        body["triggerPrice"] = plain(instrument.price(order.stop))
    return body | _by_category(category, order, reduces=order.reduces)


def _by_category(category: BybitCategory, order: PlaceOrder, *, reduces: bool) -> Body:
    stop = order.stop is not None
    if category is BybitCategory.SPOT:
        more: Body = {"isLeverage": 0}  # what is not there is not borrowed
        if order.type is not OrderType.LIMIT:
            more["marketUnit"] = "baseCoin"  # else a purchase is counted in money
        # An exit keeps its coins while it rests: without them it could not sell when it is triggered.
        return more | ({"orderFilter": EXIT if reduces else ENTRY} if stop else {})
    more = {"positionIdx": 0, "reduceOnly": reduces}
    if stop:
        more |= {
            "triggerDirection": _RISES if order.side is Side.BUY else _FALLS,
            "triggerBy": "LastPrice",
            # Other orders give way to it where there is too little money for it.
            "closeOnTrigger": reduces,
        }
    return more


def amend_body(change: ModifyOrder, instrument: Instrument, category: BybitCategory) -> Body:
    """The quantity is the order's whole one, what has filled included."""
    body: Body = {"category": category.value, "symbol": instrument.root, "orderId": change.venue_id}
    if change.qty is not None:
        body["qty"] = plain(instrument.qty(change.qty))
    if change.limit is not None:
        body["price"] = plain(instrument.price(change.limit))
    if change.stop is not None:
        body["triggerPrice"] = plain(instrument.price(change.stop))
    return body


def cancel_body(order: CancelOrder, instrument: Instrument, category: BybitCategory) -> Body:
    return {"category": category.value, "symbol": instrument.root, "orderId": order.venue_id}


def close_body(instrument: Instrument, held: int, category: BybitCategory, client_id: str = "") -> Body:
    """A market order against so many lots that are held, signed; of a position it can only reduce it."""
    body: Body = {
        "category": category.value,
        "symbol": instrument.root,
        "side": _SIDES[Side.SELL if held > 0 else Side.BUY],
        "orderType": "Market",
        "qty": plain(instrument.qty(abs(held))),
    }
    if client_id:
        body["orderLinkId"] = client_id
    if category is BybitCategory.SPOT:
        return body | {"isLeverage": 0, "marketUnit": "baseCoin"}
    return body | {"positionIdx": 0, "reduceOnly": True}
