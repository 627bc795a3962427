"""Records of the wire to values of the model and back. Pure: no clock, no network."""

from __future__ import annotations

from decimal import Decimal

from adapters.projectx import stamps
from adapters.projectx.wire import (
    AccountRow,
    BarRow,
    ContractRow,
    OrderRow,
    PositionRow,
    PrintRow,
    QuoteRow,
    TradeRow,
    WireError,
)
from engine.model.effects import ModifyOrder, PlaceOrder
from engine.model.errors import RefusedError
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import Bar, Side, Timeframe
from engine.model.orders import (
    Account,
    AccountKind,
    Fill,
    OrderType,
    VenueOrder,
    VenuePosition,
    VenueStatus,
)

PRACTICE_PREFIX = "PRAC-"
LIVE_STATUSES = (1, 6, 7, 8)
"""Open, pending, pending cancellation, suspended: the orders that can still trade."""
LONGEST_TAG = 60
"""Room for the gateway's own -SL and -TP; the true limit is not published."""
NEAREST_TICKS, FARTHEST_TICKS = 4, 1000
"""Bounds of a bracket's distance from the entry."""

_SIDES = {0: Side.BUY, 1: Side.SELL}
_STATUSES = {
    1: VenueStatus.WORKING,
    2: VenueStatus.FILLED,
    3: VenueStatus.CANCELED,
    4: VenueStatus.EXPIRED,
    5: VenueStatus.REJECTED,
    6: VenueStatus.PENDING,
    7: VenueStatus.WORKING,  # its cancellation is under way: it can still fill
    8: VenueStatus.SUSPENDED,
}
_TYPES = {
    1: OrderType.LIMIT,
    2: OrderType.MARKET,
    3: OrderType.STOP,  # stop limit
    4: OrderType.STOP,
    5: OrderType.STOP,  # trailing
    6: OrderType.LIMIT,  # joins the best bid
    7: OrderType.LIMIT,  # joins the best ask
}
_WIRE_TYPES = {OrderType.LIMIT: 1, OrderType.MARKET: 2, OrderType.STOP: 4}
_WIRE_SIDES = {Side.BUY: 0, Side.SELL: 1}
_STOP, _LIMIT = 4, 1


def account(row: AccountRow) -> Account:
    """Practice is told by the name alone: `simulated` is true for evaluations too."""
    kind = AccountKind.PRACTICE if row.name.startswith(PRACTICE_PREFIX) else AccountKind.LIVE
    return Account(str(row.id), row.name, kind, row.balance, row.can_trade)


def order(row: OrderRow, instrument: Instrument) -> VenueOrder:
    """Raises WireError for an unknown status or side, or a price that is not on the grid."""
    try:
        status, side = _STATUSES[row.status], _SIDES[row.side]
    except KeyError:
        raise WireError(f"order with status {row.status}, side {row.side}") from None
    changed = row.update_timestamp or row.creation_timestamp
    return VenueOrder(
        venue_id=str(row.id),
        client_id=row.custom_tag,
        instrument=instrument.symbol,
        side=side,
        type=_TYPES.get(row.type) or _type_by_price(row),
        qty=row.size,
        status=status,
        limit=_ticks(instrument, row.limit_price),
        stop=_ticks(instrument, row.stop_price),
        filled_qty=row.fill_volume or 0,
        parent_id=None if row.parent_order_id is None else str(row.parent_order_id),
        ts_venue=_stamp(changed),
    )


def fill(row: TradeRow, instrument: Instrument) -> Fill | None:
    """None for a voided trade. The cost is fees and commissions; the gateway's P&L is gross and not used."""
    if row.voided:
        return None
    side = _SIDES.get(row.side)
    if side is None or row.size <= 0:
        raise WireError(f"trade with side {row.side}, size {row.size}")
    return Fill(
        trade_id=str(row.id),
        venue_order_id=str(row.order_id),
        instrument=instrument.symbol,
        side=side,
        price=_ticks_of(instrument, row.price),
        qty=row.size,
        cost_usd=(row.fees or Decimal(0)) + (row.commissions or Decimal(0)),
        ts_venue=_stamp(row.creation_timestamp),
    )


def position(row: PositionRow, instrument: Instrument) -> VenuePosition:
    """The average may lie between two ticks. Raises WireError for a type that is neither long nor short."""
    if row.type == 0 or row.size == 0:
        qty = 0
    elif row.type in (1, 2) and row.size > 0:
        qty = row.size if row.type == 1 else -row.size
    else:
        raise WireError(f"position of type {row.type}, size {row.size}")
    return VenuePosition(instrument.symbol, qty, row.average_price)


def bar(row: BarRow, instrument: Instrument) -> Bar:
    """One closed minute of history, stamped by its open."""
    return Bar(
        instrument=instrument.symbol,
        timeframe=Timeframe.M1,
        open_ts=_stamp(row.t),
        open=_ticks_of(instrument, row.o),
        high=_ticks_of(instrument, row.h),
        low=_ticks_of(instrument, row.l),
        close=_ticks_of(instrument, row.c),
        volume=row.v,
        backfilled=True,
    )


class TopOfBook:
    """The last full quote of one contract, onto which partial ones are merged."""

    __slots__ = ("_ask", "_bid", "_change", "_instrument", "_last", "_open", "_ts")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._bid: int | None = None
        self._ask: int | None = None
        self._last: int | None = None
        self._open: int | None = None
        self._change: int | None = None
        self._ts = 0

    def merge(self, row: QuoteRow, ts_recv: int) -> Quote:
        """The full quote after this record. Raises WireError, keeping the old one, for a price off the grid.

        A price of zero is one that the server never set, and says nothing.
        """
        instrument = self._instrument
        bid = _ticks_of(instrument, row.best_bid) if row.best_bid else self._bid
        ask = _ticks_of(instrument, row.best_ask) if row.best_ask else self._ask
        last = _ticks_of(instrument, row.last_price) if row.last_price else self._last
        stamp = row.timestamp or row.last_updated
        ts = _stamp(stamp) if stamp is not None else self._ts
        if row.open:
            self._open = _nearest(instrument, row.open)
        if row.change is not None:
            self._change = _nearest(instrument, row.change)
        self._bid, self._ask, self._last, self._ts = bid, ask, last, ts
        return self.quote(ts_recv)

    def quote(self, ts_recv: int) -> Quote:
        """The full quote as it stands."""
        return Quote(
            ts_recv=ts_recv,
            ts_venue=self._ts,
            instrument=self._instrument.symbol,
            bid=self._bid,
            ask=self._ask,
            last=self._last,
            day_open=self._open,
            change=self._change,
        )


def market_print(row: PrintRow, instrument: Instrument, ts_recv: int, seq: int) -> Print:
    """Raises WireError when off the grid or without size."""
    if row.volume <= 0:
        raise WireError(f"print of {row.volume} contracts")
    return Print(
        ts_recv=ts_recv,
        ts_venue=_stamp(row.timestamp),
        instrument=instrument.symbol,
        price=_ticks_of(instrument, row.price),
        size=row.volume,
        aggressor=_SIDES.get(row.type) if row.type is not None else None,
        seq=seq,
    )


def place_request(
    command: PlaceOrder, account_id: int, contract_id: str, instrument: Instrument
) -> dict[str, object]:
    """Body of Order/place. Raises RefusedError for what the venue would refuse, before it is sent.

    ProjectX protocol: bracket ticks are signed from the entry (a long's stop is negative), 4..1000 of them.
    """
    if command.qty <= 0:
        raise RefusedError(f"size {command.qty}: at least one contract is needed")
    if not command.client_id or len(command.client_id) > LONGEST_TAG:
        raise RefusedError(
            f"client id of {len(command.client_id)} characters: 1 to {LONGEST_TAG} are allowed"
        )
    if command.type is OrderType.LIMIT and command.limit is None:
        raise RefusedError("a limit order without its price")
    if command.type is OrderType.STOP and command.stop is None:
        raise RefusedError("a stop order without its price")
    body: dict[str, object] = {
        "accountId": account_id,
        "contractId": contract_id,
        "type": _WIRE_TYPES[command.type],
        "side": _WIRE_SIDES[command.side],
        "size": command.qty,
        "limitPrice": _price(instrument, command.limit if command.type is OrderType.LIMIT else None),
        "stopPrice": _price(instrument, command.stop if command.type is OrderType.STOP else None),
        "customTag": command.client_id,
    }
    sign = command.side.sign
    if command.stop_offset is not None:
        body["stopLossBracket"] = _bracket("stop", command.stop_offset, -sign, _STOP)
    if command.target_offset is not None:
        body["takeProfitBracket"] = _bracket("target", command.target_offset, sign, _LIMIT)
    return body


def modify_request(change: ModifyOrder, account_id: int, instrument: Instrument) -> dict[str, object]:
    """Body of Order/modify; what is None stays as it is. Raises RefusedError."""
    body: dict[str, object] = {"accountId": account_id, "orderId": order_number(change.venue_id)}
    if change.qty is not None:
        if change.qty <= 0:
            raise RefusedError(f"size {change.qty}: at least one contract is needed")
        body["size"] = change.qty
    if change.limit is not None:
        body["limitPrice"] = _price(instrument, change.limit)
    if change.stop is not None:
        body["stopPrice"] = _price(instrument, change.stop)
    if len(body) == 2:
        raise RefusedError("a change that changes nothing")
    return body


def order_number(venue_id: str) -> int:
    """Raises RefusedError for an id that this venue can't have given."""
    if not (venue_id.isascii() and venue_id.isdigit()):
        raise RefusedError(f"order id {venue_id!r} is not a number")
    return int(venue_id)


def terms_differ(row: ContractRow, instrument: Instrument) -> str | None:
    """How the venue's contract disagrees with our instrument about tick or money; None if it doesn't."""
    for what, theirs, ours in (
        ("tick size", row.tick_size, instrument.tick_size),
        ("tick value in USD", row.tick_value, instrument.tick_value_usd),
    ):
        if theirs != ours:
            return f"{what} is {theirs.normalize():f} at the venue, {ours.normalize():f} in our table"
    return None


def _bracket(name: str, offset: int, sign: int, wire_type: int) -> dict[str, int]:
    if offset * sign < 0:
        raise RefusedError(f"{name} offset {offset} ticks is on the wrong side of the entry")
    if not NEAREST_TICKS <= abs(offset) <= FARTHEST_TICKS:
        raise RefusedError(
            f"{name} offset {offset} ticks: {NEAREST_TICKS} to {FARTHEST_TICKS} from the entry are allowed"
        )
    return {"ticks": offset, "type": wire_type}


def _price(instrument: Instrument, ticks: int | None) -> Decimal | None:
    return None if ticks is None else instrument.price(ticks)


def _ticks(instrument: Instrument, price: Decimal | None) -> int | None:
    return None if price is None else _ticks_of(instrument, price)


def _ticks_of(instrument: Instrument, price: Decimal) -> int:
    try:
        return instrument.ticks(price)
    except OffGridError as error:
        raise WireError(str(error)) from None
    except ArithmeticError:
        raise WireError(f"not a price: {str(price)[:40]}") from None


def _nearest(instrument: Instrument, price: Decimal) -> int | None:
    """For figures that are only shown (the day's open and change): settlements need not lie on the grid."""
    try:
        return int((price / instrument.tick_size).to_integral_value())
    except (ArithmeticError, ValueError):
        return None


def _stamp(text: str) -> int:
    try:
        return stamps.parse(text)
    except ValueError as error:
        raise WireError(str(error)) from None


def _type_by_price(row: OrderRow) -> OrderType:
    """For a type number that is not in the table."""
    if row.stop_price is not None:
        return OrderType.STOP
    return OrderType.LIMIT if row.limit_price is not None else OrderType.MARKET
