"""What is sent to change something at Coinbase: bodies of its calls. Pure. Sizes and prices are texts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.common.grid_texts import plain
from engine.model.effects import ModifyOrder, PlaceOrder
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import VenueOrder

Body = dict[str, Any]

_SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
_DIRECTIONS = {Side.BUY: "STOP_DIRECTION_STOP_UP", Side.SELL: "STOP_DIRECTION_STOP_DOWN"}


def place_body(order: PlaceOrder, instrument: Instrument, stop_slack: Decimal) -> Body:
    """Our client id goes along. A stop is a limit beyond its price: the venue has none at market."""
    size = plain(instrument.qty(order.qty))
    part: Body
    if order.stop is not None:
        kind, part = (
            "stop_limit_stop_limit_gtc",
            {
                "base_size": size,
                "limit_price": plain(instrument.price(worst(order.stop, order.side, stop_slack))),
                "stop_price": plain(instrument.price(order.stop)),
                "stop_direction": _DIRECTIONS[order.side],
            },
        )
    elif order.limit is not None:
        kind, part = (
            "limit_limit_gtc",
            {
                "base_size": size,
                "limit_price": plain(instrument.price(order.limit)),
                "post_only": False,
            },
        )
    else:
        kind, part = "market_market_ioc", {"base_size": size}
    return _order(order.client_id, instrument, order.side, {kind: part})


def market_body(client_id: str, instrument: Instrument, lots: int) -> Body:
    """Sell so many lots, or buy them back where they are negative, at market."""
    side = Side.SELL if lots > 0 else Side.BUY
    size = plain(instrument.qty(abs(lots)))
    return _order(client_id, instrument, side, {"market_market_ioc": {"base_size": size}})


def _order(client_id: str, instrument: Instrument, side: Side, configuration: Body) -> Body:
    return {
        "client_order_id": client_id,
        "product_id": instrument.root,
        "side": _SIDES[side],
        "order_configuration": configuration,
    }


def edit_body(change: ModifyOrder, known: VenueOrder, instrument: Instrument) -> Body:
    """Size and price go along both: one that is left out counts as 0."""
    limit = known.limit if change.limit is None else change.limit
    qty = known.qty if change.qty is None else change.qty
    assert limit is not None  # only limits are edited
    return {
        "order_id": change.venue_id,
        "price": plain(instrument.price(limit)),
        "size": plain(instrument.qty(qty)),
    }


def worst(stop: int, side: Side, slack: Decimal) -> int:
    """The limit of a stop, ticks: so far beyond it, and never below the first one."""
    away = max(1, int(stop * slack))
    return stop + away if side is Side.BUY else max(1, stop - away)
