"""What a twin knows, as Bybit writes it: prices and sizes as texts, times as texts of milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinTrade
from adapters.simulator.twins.records import TwinFill, TwinOrder
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.market import Bar, Side
from engine.model.orders import OrderType, VenueStatus

MILLI = 1_000_000
LINEAR, SPOT = "linear", "spot"
SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
Row = dict[str, Any]


def category_of(instrument: Instrument) -> str:
    return SPOT if instrument.kind is InstrumentKind.SPOT else LINEAR


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
    average = instrument.tick_size * one.fill_sum / order.filled_qty if order.filled_qty else None
    category = category_of(instrument)
    return {
        "category": category,
        "orderId": order_id(one.id),
        "orderLinkId": order.client_id or "",
        "symbol": instrument.root,
        "side": SIDES[order.side],
        "orderType": "Limit" if order.type is OrderType.LIMIT else "Market",
        "price": _price(instrument, order.limit) or "0",
        "triggerPrice": _price(instrument, order.stop) or ("" if category == SPOT else "0.00"),
        "qty": _text(instrument.qty(order.qty)),
        "cumExecQty": _text(filled),
        "leavesQty": _text(instrument.qty(one.rest) if order.status.live else Decimal(0)),
        "avgPrice": "" if average is None else _text(average),
        "cumExecFee": _text(one.cost),
        "orderStatus": _status(one, category),
        "rejectReason": "EC_NoError",
        "stopOrderType": "" if order.stop is None else "Stop",
        "timeInForce": "GTC" if order.type is OrderType.LIMIT else "IOC",
        "reduceOnly": one.reduces,
        "positionIdx": 0,
        "createdTime": str(one.placed_ts // MILLI),
        "updatedTime": str(order.ts_venue // MILLI),
    }


def _status(one: TwinOrder, category: str) -> str:
    order = one.order
    match order.status:
        case VenueStatus.FILLED:
            return "Filled"
        case VenueStatus.REJECTED:
            return "Rejected"
        case VenueStatus.CANCELED | VenueStatus.EXPIRED:
            partly = order.filled_qty and category == SPOT
            return "PartiallyFilledCanceled" if partly else "Cancelled"
    if order.filled_qty:
        return "PartiallyFilled"
    return "Untriggered" if order.stop is not None else "New"


def execution_row(one: TwinFill, order: TwinOrder | None, instrument: Instrument) -> Row:
    fill = one.fill
    in_base = bool(fill.fee_base)
    return {
        "category": category_of(instrument),
        "execId": str(UUID(int=one.id)),
        "orderId": order_id(int(fill.venue_order_id)),
        "orderLinkId": "" if order is None else order.order.client_id or "",
        "symbol": instrument.root,
        "side": SIDES[fill.side],
        "execType": "Trade",
        "execPrice": _text(instrument.price(fill.price)),
        "execQty": _text(instrument.qty(fill.qty)),
        "execFee": _text(fill.fee_base if in_base else fill.cost_usd),
        "feeCurrency": instrument.base if in_base else instrument.currency,
        "isMaker": one.maker,
        "execTime": str(fill.ts_venue // MILLI),
    }


def position_row(account: TwinAccount, instrument: Instrument) -> Row:
    """Also of a symbol in which nothing is held: its side is empty then."""
    held = account.holdings.positions.get(instrument.symbol)
    qty = 0 if held is None else held.qty
    average = Decimal(0) if held is None else held.average_price()
    return {
        "category": LINEAR,
        "symbol": instrument.root,
        "side": "" if not qty else SIDES[Side.BUY if qty > 0 else Side.SELL],
        "size": _text(instrument.qty(abs(qty))),
        "positionIdx": 0,
        "avgPrice": _text(average),
        "entryPrice": _text(average),
        "unrealisedPnl": _text(account.holdings.unrealised(instrument.symbol)),
    }


def wallet_row(account: TwinAccount, currency: str) -> Row:
    holdings = account.holdings
    coins = {currency: holdings.money}
    coins |= {one.currency: one.total for one in holdings.balances if one.currency != currency}
    return {
        "accountType": "UNIFIED",
        "totalEquity": _text(holdings.equity),
        "totalWalletBalance": _text(holdings.money),
        "totalAvailableBalance": _text(holdings.available),
        "totalInitialMargin": _text(holdings.margin_used),
        "coin": [{"coin": coin, "walletBalance": _text(amount)} for coin, amount in coins.items()],
    }


def instrument_row(instrument: Instrument) -> Row:
    """The lot sizes of spot are named otherwise."""
    row: Row = {
        "symbol": instrument.root,
        "status": "Trading",
        "baseCoin": instrument.base,
        "quoteCoin": instrument.currency,
        "priceFilter": {"tickSize": _text(instrument.tick_size)},
    }
    lot, least = _text(instrument.lot_size), _text(instrument.least_notional)
    if category_of(instrument) == SPOT:
        return row | {"lotSizeFilter": {"basePrecision": lot, "minOrderAmt": least}}
    most = _text(instrument.max_quantity or instrument.lot_size * 1_000_000)
    sizes = {"qtyStep": lot, "minOrderQty": lot, "maxMktOrderQty": most, "minNotionalValue": least}
    return row | {
        "contractType": "LinearPerpetual",
        "settleCoin": instrument.currency,
        "lotSizeFilter": sizes,
    }


def kline_row(bar: Bar, instrument: Instrument) -> list[str]:
    prices = (instrument.price(ticks) for ticks in (bar.open, bar.high, bar.low, bar.close))
    return [str(bar.open_ts // MILLI), *map(_text, prices), _text(instrument.qty(bar.volume)), "0"]


def trade_row(trade: TwinTrade, instrument: Instrument) -> Mapping[str, Any]:
    said = trade.print
    return {
        "T": said.ts_venue // MILLI,
        "s": instrument.root,
        "S": SIDES[said.aggressor or Side.BUY],
        "v": _text(instrument.qty(said.size)),
        "p": _text(instrument.price(said.price)),
        "i": str(UUID(int=trade.id)),
        "BT": False,
        "seq": trade.id,
    }


def _price(instrument: Instrument, ticks: int | None) -> str:
    return "" if ticks is None else _text(instrument.price(ticks))


def _text(value: Decimal) -> str:
    return f"{value:f}"
