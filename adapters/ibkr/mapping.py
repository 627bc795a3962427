"""From what the library tells to what the engine reads, and back. Nothing here asks anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from adapters.ibkr.config import kind_of
from adapters.ibkr.contracts import exact
from engine.model.effects import PlaceOrder
from engine.model.errors import RetryableError
from engine.model.instrument import Instrument, InstrumentKind, OffGridError
from engine.model.market import NANOS, Bar, Side, Timeframe
from engine.model.orders import (
    Account,
    Fill,
    Margin,
    OrderType,
    VenueOrder,
    VenuePosition,
    VenueStatus,
)

if TYPE_CHECKING:
    from ib_async import AccountValue, BarData, Order, Position, Trade
    from ib_async import Fill as Execution

MOST_LOTS = 10**9
TYPES = {OrderType.MARKET: "MKT", OrderType.LIMIT: "LMT", OrderType.STOP: "STP"}
_TYPES = {name: kind for kind, name in TYPES.items()}
ACTIONS = {Side.BUY: "BUY", Side.SELL: "SELL"}
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL, "BOT": Side.BUY, "SLD": Side.SELL, "SSHORT": Side.SELL}
STATUSES = {
    "PendingSubmit": VenueStatus.PENDING,
    "ApiPending": VenueStatus.PENDING,
    "PreSubmitted": VenueStatus.WORKING,
    "Submitted": VenueStatus.WORKING,
    "ApiUpdate": VenueStatus.WORKING,
    "PendingCancel": VenueStatus.WORKING,
    "ValidationError": VenueStatus.WORKING,
    "Filled": VenueStatus.FILLED,
    "Cancelled": VenueStatus.CANCELED,
    "ApiCancelled": VenueStatus.CANCELED,
    "Inactive": VenueStatus.REJECTED,
}
"""PreSubmitted is a stop that the venue holds until it triggers. ValidationError is a word of the library's,
for a warning: the order lives."""

BAR_SIZES = {
    Timeframe.M1: "1 min",
    Timeframe.M2: "2 mins",
    Timeframe.M3: "3 mins",
    Timeframe.M5: "5 mins",
    Timeframe.M10: "10 mins",
    Timeframe.M15: "15 mins",
    Timeframe.M30: "30 mins",
    Timeframe.H1: "1 hour",
}


class OddRecordError(ValueError):
    """A record that makes no sense. Its text names the reason."""


def order_of(library: Any, order: PlaceOrder, instrument: Instrument, account: str) -> Order:
    """What is placed. It rests until it is cancelled, outside regular hours too: what protects has to."""
    made: Order = library.Order(
        action=ACTIONS[order.side],
        totalQuantity=float(instrument.qty(order.qty)),
        orderType=TYPES[order.type],
        tif="DAY" if order.type is OrderType.MARKET else "GTC",
        outsideRth=order.type is not OrderType.MARKET,
        orderRef=order.client_id,
        account=account,
        transmit=True,
    )
    if order.limit is not None:
        made.lmtPrice = float(instrument.price(order.limit))
    if order.stop is not None:
        made.auxPrice = float(instrument.price(order.stop))
    return made


def lots(quantity: float | Decimal | None, instrument: Instrument) -> int:
    """Raises OddRecordError."""
    told = exact(quantity)
    try:
        found = None if told is None else instrument.lots(told)
    except OffGridError as error:
        raise OddRecordError(str(error)) from None
    if found is None or abs(found) > MOST_LOTS:
        raise OddRecordError(f"not a quantity: {quantity}")
    return found


def ticks(price: float | Decimal | None, instrument: Instrument) -> int | None:
    """None for what stands for no price. Raises OddRecordError for one between two ticks."""
    told = exact(price)
    if told is None or told <= 0:
        return None
    try:
        return instrument.ticks(told)
    except OffGridError as error:
        raise OddRecordError(str(error)) from None


def order(trade: Trade, instrument: Instrument, ts: int) -> VenueOrder:
    """Raises OddRecordError."""
    told, status = trade.order, trade.orderStatus
    kind, side = _TYPES.get(told.orderType), _SIDES.get(told.action)
    known = STATUSES.get(status.status)
    if kind is None or side is None or known is None or not permanent_id(trade):
        raise OddRecordError(f"order {told.orderType} {told.action} {status.status}")
    qty = lots(told.totalQuantity or told.filledQuantity, instrument)
    filled = lots(status.filled or trade.filled(), instrument)
    if known is VenueStatus.FILLED:
        filled = qty
    return VenueOrder(
        venue_id=permanent_id(trade),
        client_id=told.orderRef or None,
        instrument=instrument.symbol,
        side=side,
        type=kind,
        qty=qty,
        status=known,
        limit=ticks(told.lmtPrice, instrument) if kind is OrderType.LIMIT else None,
        stop=ticks(told.auxPrice, instrument) if kind is OrderType.STOP else None,
        filled_qty=min(filled, qty),
        ts_venue=ts,
    )


def permanent_id(trade: Trade) -> str:
    """The number that an order keeps from one session to the next; empty before the venue has given it."""
    number = trade.order.permId or trade.orderStatus.permId
    return str(number) if number else ""


def fill(told: Execution, instrument: Instrument) -> Fill:
    """An execution, with its commission where that is known yet, else what it will probably be. Raises
    OddRecordError.

    The last part of an execution's id counts corrections of it: they are the same trade.
    """
    execution, report = told.execution, told.commissionReport
    side, qty = _SIDES.get(execution.side), lots(execution.shares, instrument)
    price = exact(execution.price)
    if side is None or price is None or price <= 0 or qty <= 0 or not execution.execId:
        raise OddRecordError(f"execution {execution.side} {execution.shares} at {execution.price}")
    at = int((price / instrument.tick_size).to_integral_value(ROUND_HALF_EVEN))
    cost = exact(report.commission) if report.execId and report.currency == instrument.currency else None
    return Fill(
        trade_id=execution.execId.rpartition(".")[0] or execution.execId,
        venue_order_id=str(execution.permId),
        instrument=instrument.symbol,
        side=side,
        price=at,
        qty=qty,
        cost_usd=instrument.charged(at, qty) if cost is None else cost,
        ts_venue=nanos(execution.time),
    )


def position(told: Position, instrument: Instrument) -> VenuePosition:
    """Raises OddRecordError. Average costs are told for the whole contract."""
    cost = exact(told.avgCost)
    size = exact(float(told.contract.multiplier or 1)) or Decimal(1)
    if cost is None:
        raise OddRecordError(f"average cost {told.avgCost}")
    average = cost / size if instrument.kind is InstrumentKind.FUTURE else cost
    return VenuePosition(instrument.symbol, lots(told.position, instrument), average)


def account(name: str, values: Iterable[AccountValue]) -> Account:
    """Raises RetryableError where the venue has not told the cash yet."""
    told: Mapping[str, AccountValue] = {
        one.tag: one
        for one in values
        if one.account in (name, "") and not one.modelCode and one.currency not in ("BASE",)
    }
    cash = _amount(told, "TotalCashValue")
    if cash is None:
        raise RetryableError(f"the gateway has not told the cash of {name} yet")
    return Account(
        id=name,
        name=name,
        kind=kind_of(name),
        balance_usd=cash,
        can_trade=True,
        margin=Margin(used_usd=_amount(told, "InitMarginReq"), available_usd=_amount(told, "AvailableFunds")),
        currency=told["TotalCashValue"].currency,
    )


def _amount(told: Mapping[str, AccountValue], tag: str) -> Decimal | None:
    try:
        return exact(float(told[tag].value)) if tag in told else None
    except ValueError:
        return None


def bar(told: BarData, instrument: Instrument, timeframe: Timeframe) -> Bar:
    """Raises OddRecordError."""
    prices = [ticks(price, instrument) for price in (told.open, told.high, told.low, told.close)]
    open_, high, low, close = prices
    if open_ is None or high is None or low is None or close is None:
        raise OddRecordError("a bar without a price")
    if not (low <= open_ <= high and low <= close <= high):
        raise OddRecordError("a bar outside its own range")
    volume = exact(told.volume)
    traded = 0 if volume is None or volume < 0 else int(volume / instrument.lot_size)
    ts = nanos(told.date)
    return Bar(instrument.symbol, timeframe, ts, open_, high, low, close, traded, backfilled=True)


def nanos(told: date | datetime) -> int:
    """Nanoseconds UTC; a time without a zone is UTC."""
    if not isinstance(told, datetime):
        told = datetime(told.year, told.month, told.day, tzinfo=UTC)
    if told.tzinfo is None:
        told = told.replace(tzinfo=UTC)
    whole = told.replace(microsecond=0)
    return int(whole.timestamp()) * NANOS + told.microsecond * 1_000
