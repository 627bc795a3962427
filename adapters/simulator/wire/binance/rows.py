"""What the twin knows, as Binance writes it: rows of answers and events. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinTrade
from adapters.simulator.twins.records import TwinFill, TwinOrder
from engine.model.events import Quote
from engine.model.instrument import Instrument
from engine.model.market import Bar, Side
from engine.model.orders import OrderType, VenueStatus

MS = 1_000_000
_EIGHT = Decimal("0.00000001")
SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
_TYPES = {OrderType.LIMIT: "LIMIT", OrderType.MARKET: "MARKET", OrderType.STOP: "STOP_LOSS"}
_STATUSES = {
    VenueStatus.FILLED: "FILLED",
    VenueStatus.CANCELED: "CANCELED",
    VenueStatus.EXPIRED: "EXPIRED",
    VenueStatus.REJECTED: "REJECTED",
}
ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"]

Row = dict[str, Any]


def eight(value: Decimal | int) -> str:
    """An amount with eight digits after its point, as Binance writes all of them."""
    return f"{Decimal(value).quantize(_EIGHT):f}"


def price(known: Instrument, ticks: int | None) -> str:
    return eight(0 if ticks is None else known.price(ticks))


def qty(known: Instrument, lots: int) -> str:
    return eight(known.qty(lots))


def symbol(known: Instrument, status: str, types: Sequence[str] = ORDER_TYPES) -> Row:
    """A symbol of exchangeInfo."""
    tick, lot = eight(known.tick_size), eight(known.lot_size)
    most = eight(known.lot_size * 1_000_000_000)
    return {
        "symbol": known.root,
        "status": status,
        "baseAsset": known.base,
        "baseAssetPrecision": 8,
        "quoteAsset": known.currency,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": list(types),
        "icebergAllowed": False,
        "ocoAllowed": True,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": False,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "10000000.00000000",
                "tickSize": tick,
            },
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": most, "stepSize": lot},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": eight(0),
                "maxQty": most,
                "stepSize": eight(0),
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": eight(known.least_notional),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def status(order: TwinOrder) -> str:
    one = order.order
    if one.status.live:
        return "PARTIALLY_FILLED" if one.filled_qty else "NEW"
    if one.status is VenueStatus.CANCELED and order.note.get("ended") == "oco":
        return "EXPIRED"
    return _STATUSES[one.status]


def order(known: Instrument, one: TwinOrder) -> Row:
    """An order as a query shows it."""
    told = one.order
    quote = known.usd(one.fill_sum)
    return {
        "symbol": known.root,
        "orderId": one.id,
        "orderListId": int(one.note.get("list", -1)),
        "clientOrderId": told.client_id or "",
        "price": one.note.get("price", price(known, told.limit)),
        "origQty": qty(known, told.qty),
        "executedQty": qty(known, told.filled_qty),
        "origQuoteOrderQty": eight(0),
        "cummulativeQuoteQty": eight(quote),
        "status": status(one),
        "timeInForce": "IOC" if one.now_or_never else "GTC",
        "type": one.note.get("type", _TYPES[told.type]),
        "side": SIDES[told.side],
        "stopPrice": price(known, told.stop),
        "icebergQty": eight(0),
        "time": one.placed_ts // MS,
        "updateTime": max(one.placed_ts, told.ts_venue) // MS,
        "isWorking": told.status.live,
        "workingTime": one.placed_ts // MS,
        "selfTradePreventionMode": "NONE",
    }


def placed(known: Instrument, one: TwinOrder, fills: list[TwinFill], kind: str) -> Row:
    """The answer to a new order: ACK, RESULT or FULL."""
    row = order(known, one)
    short = ("symbol", "orderId", "orderListId", "clientOrderId")
    answer = {name: row[name] for name in short} | {"transactTime": row["updateTime"]}
    if kind == "ACK":
        return answer
    left_out = (*short, "time", "updateTime", "isWorking")
    answer |= {name: value for name, value in row.items() if name not in left_out}
    if kind == "FULL":
        answer["fills"] = [
            {
                "price": price(known, found.fill.price),
                "qty": qty(known, found.fill.qty),
                **fee(known, found),
                "tradeId": found.id,
            }
            for found in fills
        ]
    return answer


def fee(known: Instrument, found: TwinFill) -> Row:
    if found.fill.fee_base:
        return {"commission": eight(found.fill.fee_base), "commissionAsset": known.base}
    return {"commission": eight(found.fill.cost_usd), "commissionAsset": known.currency}


def my_trade(known: Instrument, found: TwinFill, one: TwinOrder | None) -> Row:
    fill = found.fill
    return {
        "symbol": known.root,
        "id": found.id,
        "orderId": int(fill.venue_order_id),
        "orderListId": -1 if one is None else int(one.note.get("list", -1)),
        "price": price(known, fill.price),
        "qty": qty(known, fill.qty),
        "quoteQty": eight(known.notional(fill.price, fill.qty)),
        **fee(known, found),
        "time": fill.ts_venue // MS,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": found.maker,
        "isBestMatch": True,
    }


def report(known: Instrument, one: TwinOrder, what: str, now: int, execution: int, **changes: object) -> Row:
    """An executionReport. `what` is its execution type."""
    row = order(known, one)
    return {
        "e": "executionReport",
        "E": now // MS,
        "s": known.root,
        "c": row["clientOrderId"],
        "S": row["side"],
        "o": row["type"],
        "f": row["timeInForce"],
        "q": row["origQty"],
        "p": row["price"],
        "P": row["stopPrice"],
        "F": eight(0),
        "g": row["orderListId"],
        "C": "",
        "x": what,
        "X": row["status"],
        "r": "NONE",
        "i": one.id,
        "l": eight(0),
        "z": row["executedQty"],
        "L": eight(0),
        "n": "0",
        "N": None,
        "T": row["updateTime"],
        "t": -1,
        "I": execution,
        "w": one.order.status.live,
        "m": False,
        "M": False,
        "O": row["time"],
        "Z": row["cummulativeQuoteQty"],
        "Y": eight(0),
        "Q": eight(0),
        "W": row["time"],
        "V": "NONE",
        **changes,
    }


def traded(known: Instrument, one: TwinOrder, found: TwinFill, filled: int, now: int, execution: int) -> Row:
    """The executionReport of a trade; `filled` lots of the order are filled with it."""
    fill, paid = found.fill, fee(known, found)
    return report(
        known,
        one,
        "TRADE",
        now,
        execution,
        X="FILLED" if filled >= one.order.qty else "PARTIALLY_FILLED",
        l=qty(known, fill.qty),
        z=qty(known, filled),
        L=price(known, fill.price),
        n=paid["commission"],
        N=paid["commissionAsset"],
        T=fill.ts_venue // MS,
        t=found.id,
        m=found.maker,
        Y=eight(known.notional(fill.price, fill.qty)),
    )


def agg_trade(number: int, known: Instrument, trade: TwinTrade) -> Row:
    """A trade of the market as a query gives it."""
    told = trade.print
    return {
        "a": number,
        "p": price(known, told.price),
        "q": qty(known, told.size),
        "f": number,
        "l": number,
        "T": told.ts_venue // MS,
        "m": told.aggressor is Side.SELL,
        "M": True,
    }


def book_ticker(number: int, known: Instrument, quote: Quote, sizes: tuple[int, int]) -> Row:
    return {
        "u": number,
        "s": known.root,
        "b": price(known, quote.bid),
        "B": qty(known, sizes[0]),
        "a": price(known, quote.ask),
        "A": qty(known, sizes[1]),
    }


def kline(known: Instrument, bar: Bar) -> list[object]:
    """A bar of history. Of its parts that nobody counts here, none is told."""
    return [
        bar.open_ts // MS,
        *(price(known, ticks) for ticks in (bar.open, bar.high, bar.low, bar.close)),
        qty(known, bar.volume),
        (bar.open_ts + bar.timeframe.nanos) // MS - 1,
        eight(known.notional(bar.close, bar.volume)),
        bar.n_src,
        eight(0),
        eight(0),
        "0",
    ]


def stream_kline(known: Instrument, bar: Bar, now: int, *, closed: bool) -> Row:
    row = kline(known, bar)
    return {
        "e": "kline",
        "E": now // MS,
        "s": known.root,
        "k": {
            "t": row[0],
            "T": row[6],
            "s": known.root,
            "i": bar.timeframe.value,
            "f": -1,
            "L": -1,
            "o": row[1],
            "c": row[4],
            "h": row[2],
            "l": row[3],
            "v": row[5],
            "n": row[8],
            "x": closed,
            "q": row[7],
            "V": row[9],
            "Q": row[10],
            "B": "0",
        },
    }


def account(one: TwinAccount, balances: list[Row], now: int) -> Row:
    rate = "0.00100000"
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": rate, "taker": rate, "buyer": eight(0), "seller": eight(0)},
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now // MS,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": int.from_bytes(one.name.encode()[-6:], "big"),
    }
