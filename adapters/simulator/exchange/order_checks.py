"""Why the practice venue refuses an order, in the platform's words and order
(docs/protocols/projectx.md#placing).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from adapters.simulator.exchange.codes import PLACEABLE, SideCode, TypeCode
from adapters.simulator.exchange.requests import Bracket, ModifyRequest, PlaceRequest
from adapters.simulator.exchange.rows import OrderRow
from adapters.simulator.market.hours import orders_accepted
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import Side
from engine.model.orders import OrderType, VenueOrder
from engine.venue.fill_model import LatestPrices

UNAVAILABLE = "Trading is currently unavailable. The instrument is not in an active trading status."
TAG_IN_USE = "The custom tag already in use."
POSITION_BRACKETS = "Brackets cannot be used with Position Brackets. You must enable Auto OCO Brackets."
OUT_OF_RANGE = "Invalid price. Price is outside allowed range."
TOO_MANY = "Maximum position exceeded."
_NEAREST, _FARTHEST = 4, 1000
"""Bracket distances, ticks."""


class OrderPrices(NamedTuple):
    """The prices of an order in ticks, as far as its type has them."""

    limit: int | None = None
    stop: int | None = None
    trail: int | None = None
    """How far a trailing stop follows behind the last trade, ticks."""


class AccountFacts(NamedTuple):
    """What a check must know besides the order."""

    last: int | None
    """Last trade, ticks."""
    tags: set[str]
    """All tags ever used on the account, by rejected orders too."""
    auto_oco: bool
    room: int
    """Contracts of this instrument that the account may still buy or sell."""


class RejectedError(Exception):
    """The order or change is refused with this text."""


class OrderInterceptor:
    """What may happen to an order though nothing is wrong with it: here nothing does. Faults override it."""

    def rejection(self, symbol: str, order: PlaceRequest) -> str | None:
        """Why an order of a symbol is rejected all the same, or None."""
        return None

    def most_filled(self, account_id: int, order: VenueOrder, qty: int) -> int:
        """How many of the contracts that an order could trade just now it does trade."""
        return qty


class TradingStatus:
    """Whether the venue takes orders just now, the same for all accounts."""

    def __init__(self) -> None:
        self.halted_until = 0
        """No order is taken before this instant, nanoseconds UTC; cancels pass."""
        self.interceptor = OrderInterceptor()

    def open(self, now: int) -> bool:
        """Whether an order may be placed at this instant."""
        return now >= self.halted_until and orders_accepted(now)

    def most_filled(self, account_id: int, order: VenueOrder, qty: int) -> int:
        return self.interceptor.most_filled(account_id, order, qty)


def kind_and_size(order: PlaceRequest) -> TypeCode:
    """The order's type. Raises RejectedError for a type, side or size that can't be placed."""
    if order.type not in PLACEABLE:
        raise RejectedError("invalid order type specified")
    if order.side not in (SideCode.BUY, SideCode.SELL):
        raise RejectedError("invalid order side specified")
    if order.size <= 0:
        raise RejectedError("invalid order size specified")
    return TypeCode(order.type)


def prices(instrument: Instrument, kind: TypeCode, order: PlaceRequest, market: LatestPrices) -> OrderPrices:
    """The prices that belong to the type, on the grid. Raises RejectedError."""
    match kind:
        case TypeCode.LIMIT:
            return OrderPrices(_ticks(instrument, "limit", order.limit_price))
        case TypeCode.STOP:
            return OrderPrices(stop=_ticks(instrument, "stop", order.stop_price))
        case TypeCode.TRAILING_STOP:
            trailing = _trailing(instrument, order.trail_price, side_of(order.side), market.last)
            if (trailing.trail or 0) > _FARTHEST:
                raise RejectedError(f"Trail Distance exceeds maximum ({_FARTHEST})")
            return trailing
        case TypeCode.JOIN_BID | TypeCode.JOIN_ASK:
            touch = market.bid if kind is TypeCode.JOIN_BID else market.ask
            if touch is None:
                raise RejectedError("Invalid limit price. Price is not set.")
            return OrderPrices(touch)
    return OrderPrices()


def moved(instrument: Instrument, row: OrderRow, change: ModifyRequest, last: int | None) -> OrderPrices:
    """The new prices that a change asks for, None where it asks for none. Raises RejectedError."""
    if row.type == TypeCode.TRAILING_STOP:
        trail = change.trail_price
        return OrderPrices() if trail is None else _trailing(instrument, trail, side_of(row.side), last)
    kind, limit, stop = PLACEABLE[row.type], change.limit_price, change.stop_price
    return OrderPrices(
        None if limit is None or kind is not OrderType.LIMIT else _ticks(instrument, "limit", limit),
        None if stop is None or kind is not OrderType.STOP else _ticks(instrument, "stop", stop),
    )


def side_of(code: int) -> Side:
    return Side.BUY if code == SideCode.BUY else Side.SELL


def stop_side(side: Side, stop: int | None, last: int | None) -> None:
    """A stop must lie on the far side of the market. Raises RejectedError."""
    if stop is not None and last is not None and (stop - last) * side.sign <= 0:
        raise RejectedError(OUT_OF_RANGE)


def place(order: PlaceRequest, asked: OrderPrices, facts: AccountFacts) -> None:
    """What follows once type, size and grid are right. Raises RejectedError."""
    side = side_of(order.side)
    stop_side(side, asked.stop, facts.last)
    if order.custom_tag is not None and order.custom_tag in facts.tags:
        raise RejectedError(TAG_IN_USE)
    loss, profit = order.stop_loss_bracket, order.take_profit_bracket
    if (loss or profit) and not facts.auto_oco:
        raise RejectedError(POSITION_BRACKETS)
    if loss is not None:
        _distance("stop loss", loss, side, -side.sign)
    if profit is not None:
        _distance("take profit", profit, side, side.sign)
    if loss is not None and loss.type not in (TypeCode.STOP, TypeCode.TRAILING_STOP):
        raise RejectedError(f"Invalid stop loss type ({_type_name(loss.type)})")
    if profit is not None and profit.type != TypeCode.LIMIT:
        raise RejectedError(f"Invalid take profit type ({_type_name(profit.type)})")
    if order.size > facts.room:
        raise RejectedError(TOO_MANY)


def _trailing(instrument: Instrument, level: float | None, side: Side, last: int | None) -> OrderPrices:
    """A trailing stop is asked for by a level; what counts is its distance from the last trade."""
    if level is None:
        raise RejectedError("Trail Distance not set.")
    ticks = _ticks(instrument, "trail", level)
    if last is None:
        raise RejectedError("Cannot trail without a last price")
    distance = abs(last - ticks)
    return OrderPrices(stop=last + side.sign * distance, trail=distance)


def _ticks(instrument: Instrument, which: str, value: float | None) -> int:
    if value is None:
        raise RejectedError(f"Invalid {which} price. Price is not set.")
    try:
        ticks = instrument.ticks(Decimal(str(value)))
    except OffGridError as error:
        raise RejectedError(f"Invalid {which} price. Price is not aligned to tick size.") from error
    if ticks <= 0:
        raise RejectedError(OUT_OF_RANGE)
    return ticks


def _distance(which: str, bracket: Bracket, side: Side, sign: int) -> None:
    """Bracket ticks are signed, relative to the entry."""
    if bracket.ticks * sign < 0:
        where = "when longing" if side is Side.BUY else "when going short"
        than = "greater" if sign > 0 else "less"
        raise RejectedError(
            f"Invalid {which} ticks ({bracket.ticks}). Ticks should be {than} than zero {where}."
        )
    if abs(bracket.ticks) < _NEAREST:
        raise RejectedError(
            f"Invalid {which} ticks ({bracket.ticks}). Price should be at least {_NEAREST} ticks away."
        )
    if abs(bracket.ticks) > _FARTHEST:
        raise RejectedError(
            f"Invalid {which} ticks ({bracket.ticks}). Ticks should be {_FARTHEST} ticks or less."
        )


def _type_name(code: int) -> str:
    try:
        return "".join(word.capitalize() for word in TypeCode(code).name.split("_"))
    except ValueError:
        return str(code)
