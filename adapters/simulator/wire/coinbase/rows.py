"""What a twin knows, as Coinbase writes it: prices and sizes as texts, times as RFC 3339."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from adapters.common import stamps
from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinTrade
from adapters.simulator.twins.records import TwinFill, TwinOrder
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar, Side
from engine.model.orders import VenueStatus

SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
_STATUSES = {
    VenueStatus.PENDING: "PENDING",
    VenueStatus.WORKING: "OPEN",
    VenueStatus.SUSPENDED: "OPEN",
    VenueStatus.FILLED: "FILLED",
    VenueStatus.CANCELED: "CANCELLED",
    VenueStatus.EXPIRED: "EXPIRED",
    VenueStatus.REJECTED: "FAILED",
}
Row = dict[str, Any]


def order_id(number: int) -> str:
    """The venue's ids are UUIDs."""
    return str(UUID(int=number))


def number_of(text: str) -> int:
    """0, which no order has, for what is no id."""
    try:
        return UUID(text).int
    except ValueError:
        return 0


def order_row(one: TwinOrder, instrument: Instrument) -> Row:
    order = one.order
    filled = instrument.qty(order.filled_qty)
    return {
        "order_id": order_id(one.id),
        "client_order_id": order.client_id or "",
        "product_id": instrument.root,
        "side": SIDES[order.side],
        "status": _STATUSES[order.status],
        "created_time": time_text(one.placed_ts),
        "last_update_time": time_text(order.ts_venue),
        "order_configuration": _configuration(one, instrument),
        "filled_size": _text(filled),
        "average_filled_price": _average(one, instrument),
        "total_fees": _text(one.cost),
        "size_in_quote": False,
        "settled": not order.status.live,
        "product_type": "SPOT",
    }


def _configuration(one: TwinOrder, instrument: Instrument) -> Row:
    order = one.order
    size = _text(instrument.qty(order.qty))
    if order.stop is not None:
        part = {"base_size": size, "stop_price": _text(instrument.price(order.stop))}
        part |= {"limit_price": one.note.get("limit_price", "")}
        part |= {"stop_direction": one.note.get("stop_direction", "")}
        return {"stop_limit_stop_limit_gtc": part}
    if order.limit is not None:
        limit = _text(instrument.price(order.limit))
        return {"limit_limit_gtc": {"base_size": size, "limit_price": limit, "post_only": False}}
    return {"market_market_ioc": {"base_size": size}}


def user_row(one: TwinOrder, instrument: Instrument) -> Row:
    """Of the stream: totals; no limit, no stop, and nothing is left of what has ended."""
    order = one.order
    left = instrument.qty(one.rest) if order.status.live else Decimal(0)
    return {
        "order_id": order_id(one.id),
        "client_order_id": order.client_id or "",
        "product_id": instrument.root,
        "order_side": SIDES[order.side],
        "status": _STATUSES[order.status],
        "creation_time": time_text(one.placed_ts),
        "cumulative_quantity": _text(instrument.qty(order.filled_qty)),
        "leaves_quantity": _text(left),
        "avg_price": _average(one, instrument),
        "total_fees": _text(one.cost),
        "product_type": "SPOT",
    }


def fill_row(one: TwinFill, instrument: Instrument) -> Row:
    fill = one.fill
    return {
        "entry_id": str(one.id),
        "trade_id": str(UUID(int=one.id)),
        "order_id": order_id(int(fill.venue_order_id)),
        "trade_time": time_text(fill.ts_venue),
        "trade_type": "FILL",
        "price": _text(instrument.price(fill.price)),
        "size": _text(instrument.qty(fill.qty)),
        "commission": _text(fill.cost_usd),
        "product_id": instrument.root,
        "side": SIDES[fill.side],
        "liquidity_indicator": "MAKER" if one.maker else "TAKER",
        "size_in_quote": False,
    }


def wallet_rows(account: TwinAccount, currency: str) -> list[Row]:
    """What is held for orders is not told apart: all of it counts as available."""
    coins = {currency: account.holdings.money}
    coins |= {one.currency: one.total for one in account.holdings.balances if one.currency != currency}
    return [
        {
            "uuid": str(UUID(int=number)),
            "currency": coin,
            "available_balance": {"value": _text(amount), "currency": coin},
            "hold": {"value": "0", "currency": coin},
            "active": True,
            "type": "ACCOUNT_TYPE_CRYPTO",
        }
        for number, (coin, amount) in enumerate(coins.items(), 1)
    ]


def product_row(instrument: Instrument) -> Row:
    tick = _text(instrument.tick_size)
    return {
        "product_id": instrument.root,
        "base_increment": _text(instrument.lot_size),
        "quote_increment": tick,
        "price_increment": tick,
        "base_min_size": _text(instrument.lot_size),
        "quote_min_size": _text(instrument.least_notional),
        "status": "online",
        "trading_disabled": False,
        "product_type": "SPOT",
        "alias": "",
    }


def candle_row(bar: Bar, instrument: Instrument) -> Row:
    prices = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close}
    row = {name: _text(instrument.price(ticks)) for name, ticks in prices.items()}
    return row | {"start": str(bar.open_ts // NANOS), "volume": _text(instrument.qty(bar.volume))}


def trade_row(trade: TwinTrade, instrument: Instrument) -> Row:
    said = trade.print
    return {
        "trade_id": str(trade.id),
        "product_id": instrument.root,
        "price": _text(instrument.price(said.price)),
        "size": _text(instrument.qty(said.size)),
        "side": SIDES[said.aggressor or Side.BUY],
        "time": time_text(said.ts_venue),
    }


def level_row(side: str, price: int, size: int, instrument: Instrument, ts: int) -> Row:
    return {
        "side": side,
        "event_time": time_text(ts),
        "price_level": _text(instrument.price(price)),
        "new_quantity": _text(instrument.qty(size)),
    }


def time_text(ts: int) -> str:
    return stamps.text(ts)


def _average(one: TwinOrder, instrument: Instrument) -> str:
    filled = one.order.filled_qty
    return _text(instrument.tick_size * one.fill_sum / filled) if filled else "0"


def _text(value: Decimal) -> str:
    return f"{value:f}"
