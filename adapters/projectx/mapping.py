"""Records of the wire to values of the model. Pure: no clock, no network."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from adapters.common import stamps
from adapters.projectx.wire import (
    ABSENT,
    BarRow,
    ContractRow,
    PrintRow,
    QuoteRow,
    WireAccount,
    WireError,
    WireOrder,
    WirePosition,
    WireTrade,
    possible,
    read,
)
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
_MOST_TEXTS = 512
"""Prices whose texts are known: those of an hour, as a rule. Each is 200 bytes."""
_LONGEST_PRICE = 40
"""Characters of a price as it is written."""
MOST_TICKS = 1_000_000_000
"""No price is as far from zero, whatever the tick."""
EARLIEST, LATEST = stamps.parse("2000-01-01T00:00:00Z"), stamps.parse("2200-01-01T00:00:00Z")
"""Nanoseconds UTC between which everything happens."""
LIVE_STATUSES = (1, 6, 7, 8)
"""Open, pending, pending cancellation, suspended: the orders that can still trade."""

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


def account(row: WireAccount) -> Account:
    """Practice is told by the name alone, here only: `simulated` is true for evaluations too."""
    kind = AccountKind.PRACTICE if row.name.startswith(PRACTICE_PREFIX) else AccountKind.LIVE
    return Account(str(row.id), row.name, kind, row.balance, row.can_trade)


def order(row: WireOrder, instrument: Instrument) -> VenueOrder:
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
        ts_venue=stamp(changed),
    )


def fill(row: WireTrade, instrument: Instrument) -> Fill | None:
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
        ts_venue=stamp(row.creation_timestamp),
    )


def position(row: WirePosition, instrument: Instrument) -> VenuePosition:
    """The average may lie between two ticks. Raises WireError for a type that is neither long nor short."""
    if row.type == 0 or row.size == 0:
        qty = 0
    elif row.type in (1, 2) and row.size > 0:
        qty = row.size if row.type == 1 else -row.size
    else:
        raise WireError(f"position of type {row.type}, size {row.size}")
    return VenuePosition(instrument.symbol, qty, row.average_price)


class Prices(dict[Decimal, int]):
    """Ticks of one instrument by price: a market moves between the same few, and each is read once. Raises
    WireError for a price off the grid.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument

    def __missing__(self, price: Decimal) -> int:
        ticks = self[price] = _ticks_of(self.instrument, price)
        return ticks


def bar(row: BarRow, prices: Prices, timeframe: Timeframe = Timeframe.M1) -> Bar:
    """One closed bar of history, stamped by its open. Raises WireError."""
    return Bar(
        instrument=prices.instrument.symbol,
        timeframe=timeframe,
        open_ts=stamp(row.t),
        open=prices[row.o],
        high=prices[row.h],
        low=prices[row.l],
        close=prices[row.c],
        volume=row.v,
        backfilled=True,
    )


class PriceTexts(dict[bytes, int | None]):
    """Ticks of one instrument by how the wire writes the price; None for null and for what was not sent.

    A market moves between the same few prices: each text is read exactly, once. Raises WireError for a price
    off the grid.
    """

    def __init__(
        self, instrument: Instrument, read_as: Callable[[Instrument, Decimal], int | None] | None = None
    ) -> None:
        self.instrument = instrument
        self._read_as = read_as or _ticks_of

    def __missing__(self, text: bytes) -> int | None:
        if len(text) > _LONGEST_PRICE:
            raise WireError(f"not a price: {len(text)} characters")
        price = read(text, Decimal | None) if text else None  # type: ignore[arg-type]
        ticks = None if price is None else self._read_as(self.instrument, price)
        if len(self) >= _MOST_TEXTS:
            self.clear()
        self[text] = ticks
        return ticks


class TopOfBook:
    """The last full quote of one contract, onto which partial ones are merged."""

    __slots__ = (
        "_ask",
        "_bid",
        "_change",
        "_figures",
        "_instrument",
        "_last",
        "_open",
        "_ts",
        "_venue",
        "prices",
    )

    def __init__(self, instrument: Instrument, venue: str = "") -> None:
        self._instrument = instrument
        self._venue = venue
        self.prices = PriceTexts(instrument)
        self._figures = PriceTexts(instrument, _nearest)
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
        ticks = self.prices
        bid, ask, last = self._bid, self._ask, self._last
        if (text := row.best_bid) is not ABSENT:
            bid = ticks[bytes(text)] or bid
        if (text := row.best_ask) is not ABSENT:
            ask = ticks[bytes(text)] or ask
        if (text := row.last_price) is not ABSENT:
            last = ticks[bytes(text)] or last
        opened, change = self._open, self._change
        if (text := row.open) is not ABSENT:
            opened = self._figures[bytes(text)] or opened
        if (text := row.change) is not ABSENT and (told := self._figures[bytes(text)]) is not None:
            change = told
        if (written := row.timestamp or row.last_updated) is not None:
            self._ts = stamp(written)
        self._bid, self._ask, self._last, self._open, self._change = bid, ask, last, opened, change
        return self.quote(ts_recv)

    def quote(self, ts_recv: int) -> Quote:
        """The full quote as it stands."""
        return Quote(
            ts_recv=ts_recv,
            ts_venue=self._ts,
            instrument=self._instrument.symbol,
            bid=self._bid,
            ask=self._ask,
            venue=self._venue,
            last=self._last,
            day_open=self._open,
            change=self._change,
        )


def market_print(row: PrintRow, prices: PriceTexts, ts_recv: int, seq: int, venue: str = "") -> Print:
    """Raises WireError when off the grid, or without price or size."""
    if row.volume <= 0:
        raise WireError(f"print of {row.volume} contracts")
    price = prices[bytes(row.price)]
    if price is None:
        raise WireError("a print without a price")
    return Print(
        ts_recv=ts_recv,
        ts_venue=stamp(row.timestamp),
        instrument=prices.instrument.symbol,
        price=price,
        size=row.volume,
        aggressor=_SIDES.get(row.type) if row.type is not None else None,
        seq=seq,
        venue=venue,
    )


def terms_differ(row: ContractRow, instrument: Instrument) -> str | None:
    """How the venue's contract disagrees with our instrument about tick or money; None if it doesn't."""
    for what, theirs, ours in (
        ("tick size", row.tick_size, instrument.tick_size),
        ("tick value in USD", row.tick_value, instrument.tick_value_usd),
    ):
        if theirs != ours:
            return f"{what} is {theirs.normalize():f} at the venue, {ours.normalize():f} in our table"
    return None


def _ticks(instrument: Instrument, price: Decimal | None) -> int | None:
    return None if price is None else _ticks_of(instrument, price)


def _ticks_of(instrument: Instrument, price: Decimal) -> int:
    try:
        ticks = instrument.ticks(possible(price))
    except OffGridError as error:
        raise WireError(str(error)) from None
    except (ArithmeticError, ValueError):
        raise WireError(f"not a price: {str(price)[:_LONGEST_PRICE]}") from None
    if abs(ticks) > MOST_TICKS:
        raise WireError(f"not a price: {str(price)[:_LONGEST_PRICE]}")
    return ticks


def _nearest(instrument: Instrument, price: Decimal) -> int | None:
    """For figures that are only shown (the day's open and change): settlements need not lie on the grid."""
    try:
        return int((possible(price) / instrument.tick_size).to_integral_value())
    except (ArithmeticError, ValueError):
        return None


def stamp(text: str) -> int:
    try:
        ts = stamps.parse(text)
    except ValueError as error:
        raise WireError(str(error)) from None
    if not EARLIEST <= ts < LATEST:
        raise WireError(f"a time that can't be: {text[:_LONGEST_PRICE]!r}")
    return ts


def _type_by_price(row: WireOrder) -> OrderType:
    """For a type number that is not in the table."""
    if row.stop_price is not None:
        return OrderType.STOP
    return OrderType.LIMIT if row.limit_price is not None else OrderType.MARKET
