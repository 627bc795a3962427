"""Records of the wire to values of the model. Pure: no clock, no network. Raises KrakenWireError."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from adapters.common import stamps
from adapters.common.grid_texts import LotTexts, TickTexts, bounded, number, whole_lots
from adapters.kraken.client_ids import inward
from adapters.kraken.v1_wire import ChartCandle, V1Trade
from adapters.kraken.wire import (
    KrakenWireError,
    UwsCandle,
    UwsExecution,
    UwsMarginRow,
    UwsPair,
    UwsPosition,
    UwsTradeRow,
)
from engine.model.events import Print
from engine.model.instrument import Instrument
from engine.model.market import Bar, Side, Timeframe
from engine.model.orders import (
    Fill,
    Margin,
    OrderType,
    VenueOrder,
    VenuePosition,
    VenueStatus,
)

MILLI = 1_000_000
NOTHING = Decimal(0)
EARLIEST, LATEST = stamps.parse("2000-01-01T00:00:00Z"), stamps.parse("2200-01-01T00:00:00Z")
"""Nanoseconds UTC between which everything happens."""
_MOST_TEXTS = 4_096
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_SHORT = ("short", "sell")
_DOLLARS = ("USD", "ZUSD", "USDT", "USDC")
_TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "take-profit": OrderType.LIMIT,
    "take-profit-limit": OrderType.LIMIT,
    "stop-loss": OrderType.STOP,
    "stop-loss-limit": OrderType.STOP,
    "trailing-stop": OrderType.STOP,
    "trailing-stop-limit": OrderType.STOP,
}
_ENDED = {
    "filled": VenueStatus.FILLED,
    "canceled": VenueStatus.CANCELED,
    "expired": VenueStatus.EXPIRED,
    "rejected": VenueStatus.REJECTED,
}


class RawNumbers(dict[bytes, int]):
    """Ticks or lots by the bytes of a number, with or without quotation marks: each is read exactly, once."""

    def __init__(self, whole: TickTexts | LotTexts) -> None:
        self._whole = whole

    def __missing__(self, raw: bytes) -> int:
        try:
            count = self._whole[raw.decode("ascii").strip('"')]
        except ValueError as error:
            raise KrakenWireError(str(error)[:120]) from None
        if len(self) >= _MOST_TEXTS:
            self.clear()
        self[raw] = count
        return count


class ProductGrid:
    """The steps of one instrument: prices and quantities of the wire to ticks and lots."""

    __slots__ = ("instrument", "lots", "ticks")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.ticks = RawNumbers(TickTexts(instrument))
        self.lots = RawNumbers(LotTexts(instrument))


def stamp(text: str | None) -> int:
    """Nanoseconds UTC of an RFC 3339 time; 0 where none was sent. Raises KrakenWireError."""
    if text is None:
        return 0
    try:
        ts = stamps.parse(text)
    except ValueError as error:
        raise KrakenWireError(str(error)) from None
    return _within(ts)


def millis(ms: int) -> int:
    """Nanoseconds UTC of a time of v1. Raises KrakenWireError."""
    return _within(ms * MILLI)


def _within(ts: int) -> int:
    if not EARLIEST <= ts < LATEST:
        raise KrakenWireError("a time that can't be")
    return ts


def market_print(row: UwsTradeRow, grid: ProductGrid, ts_recv: int, seq: int, venue: str) -> Print:
    """A trade of the market. Raises KrakenWireError when off the grid, or of nothing."""
    lots = grid.lots[bytes(row.qty)]
    if lots <= 0:
        raise KrakenWireError("a trade of nothing")
    return Print(
        ts_recv=ts_recv,
        ts_venue=stamp(row.timestamp),
        instrument=grid.instrument.symbol,
        price=grid.ticks[bytes(row.price)],
        size=lots,
        aggressor=_SIDES.get(row.side),
        seq=seq,
        venue=venue,
    )


def v1_print(row: V1Trade, grid: ProductGrid, ts_recv: int, venue: str) -> Print:
    """The same of v1; its sequence number is per product. Raises KrakenWireError."""
    lots = grid.lots[bytes(row.qty)]
    if lots <= 0:
        raise KrakenWireError("a trade of nothing")
    return Print(
        ts_recv=ts_recv,
        ts_venue=millis(row.time),
        instrument=grid.instrument.symbol,
        price=grid.ticks[bytes(row.price)],
        size=lots,
        aggressor=_SIDES.get(row.side),
        seq=row.seq,
        venue=venue,
    )


def candle(row: ChartCandle, grid: ProductGrid, timeframe: Timeframe) -> Bar:
    """One bar of the charts, stamped by its open. Raises KrakenWireError."""
    return _bar(row, millis(row.time), grid, timeframe)


def uws_candle(row: UwsCandle, grid: ProductGrid, timeframe: Timeframe) -> Bar:
    """One bar of the channel `ohlc`, running or closed: the time alone tells. Raises KrakenWireError."""
    return _bar(row, stamp(row.interval_begin), grid, timeframe)


def _bar(row: ChartCandle | UwsCandle, open_ts: int, grid: ProductGrid, timeframe: Timeframe) -> Bar:
    ticks = grid.ticks
    volume = bytes(row.volume).decode("ascii", "replace").strip('"') or "0"
    try:
        lots = whole_lots(grid.instrument, volume)
    except ValueError as error:
        raise KrakenWireError(str(error)[:120]) from None
    bar = Bar(
        instrument=grid.instrument.symbol,
        timeframe=timeframe,
        open_ts=open_ts,
        open=ticks[bytes(row.open)],
        high=ticks[bytes(row.high)],
        low=ticks[bytes(row.low)],
        close=ticks[bytes(row.close)],
        volume=lots,
        backfilled=True,
    )
    if not 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high or lots < 0:
        raise KrakenWireError("a candle whose high and low do not hold its open and close")
    return bar


def order(row: UwsExecution, instrument: Instrument) -> VenueOrder:
    """An order as all its rows together tell it. Raises KrakenWireError for what is missing or odd."""
    side = _SIDES.get(row.side or "")
    if side is None or row.order_qty is None:
        raise KrakenWireError("an order without side or quantity")
    limit = _ticks(instrument, row.limit_price)
    stop = _ticks(instrument, None if row.triggers is None else row.triggers.price)
    kind = _TYPES.get(row.order_type or "")
    if kind is None:
        kind = (
            OrderType.STOP if stop is not None else OrderType.LIMIT if limit is not None else OrderType.MARKET
        )
    qty, filled = _lots(instrument, row.order_qty), _lots(instrument, row.cum_qty or NOTHING)
    if kind is OrderType.LIMIT and limit is None:
        limit, stop = stop, None
    return VenueOrder(
        venue_id=row.order_id,
        client_id=inward(row.cl_ord_id),
        instrument=instrument.symbol,
        side=side,
        type=kind,
        qty=qty,
        status=status(row, qty, filled),
        limit=limit if kind is OrderType.LIMIT else None,
        stop=stop if kind is OrderType.STOP else None,
        filled_qty=filled,
        ts_venue=stamp(row.timestamp),
    )


def status(row: UwsExecution, qty: int, filled: int) -> VenueStatus:
    """By the filled quantity first: derivatives may send no row of their own for the last fill."""
    if qty > 0 and filled >= qty:
        return VenueStatus.FILLED
    for word in (row.exec_type, row.order_status or ""):
        if word in _ENDED:
            return _ENDED[word]
    return VenueStatus.PENDING if row.order_status == "pending_new" else VenueStatus.WORKING


def is_over(row: UwsExecution) -> bool:
    """Whether a row says that its order has ended; one that was filled says so by its quantity too."""
    whole = row.order_qty is not None and row.cum_qty is not None and row.cum_qty >= row.order_qty > 0
    return whole or row.exec_type in _ENDED or row.order_status in _ENDED


def fill(row: UwsExecution, instrument: Instrument) -> Fill | None:
    """The fill that a row of type `trade` tells of; None for any other. Raises KrakenWireError."""
    if row.exec_type != "trade":
        return None
    side = _SIDES.get(row.side or "")
    if side is None or not row.exec_id or row.last_qty is None or row.last_price is None:
        raise KrakenWireError("a fill without side, id, quantity or price")
    lots = _lots(instrument, row.last_qty)
    if lots <= 0:
        raise KrakenWireError("a fill of nothing")
    price = _ticks(instrument, row.last_price)
    assert price is not None
    return Fill(
        trade_id=row.exec_id,
        venue_order_id=row.order_id,
        instrument=instrument.symbol,
        side=side,
        price=price,
        qty=lots,
        cost_usd=cost(row),
        ts_venue=stamp(row.timestamp),
    )


def cost(row: UwsExecution) -> Decimal:
    """What a fill has cost, USD: as the venue has worked it out, else its fees in dollars."""
    if row.fee_usd_equiv is not None:
        return amount(row.fee_usd_equiv)
    return sum((amount(one.qty) for one in row.fees or () if one.asset in _DOLLARS), NOTHING)


def position(row: UwsPosition, instrument: Instrument) -> VenuePosition:
    """`size` is signed, or `side` says what it is (docs/protocols/kraken.md#not-verified)."""
    lots = _lots(instrument, row.size, signed=True)
    if row.side is not None and row.side.lower() in _SHORT:
        lots = -abs(lots)
    return VenuePosition(instrument.symbol, lots, amount(row.entry_price or NOTHING))


def margin(row: UwsMarginRow) -> Margin | None:
    """As far as it is told; None where nothing of it is."""
    if row.initial_margin is None and row.available_margin is None:
        return None
    return Margin(row.initial_margin, row.available_margin)


def terms_differ(pair: UwsPair, instrument: Instrument) -> str | None:
    """How the venue's steps disagree with our instrument's; None if they don't."""
    for what, theirs, ours in (
        ("tick size", price_step(pair), instrument.tick_size),
        ("lot size", lot_step(pair), instrument.lot_size),
        ("tick value", _times(price_step(pair), lot_step(pair)), instrument.tick_value_usd),
    ):
        if theirs is not None and theirs != ours:
            return f"{what} is {theirs.normalize():f} at the venue, {ours.normalize():f} in the settings"
    return None


def price_step(pair: UwsPair) -> Decimal | None:
    """Smallest step of a price; None where the venue does not say."""
    return _step(pair.price_increment, pair.price_precision)


def lot_step(pair: UwsPair) -> Decimal | None:
    """Smallest step of a quantity; None where the venue does not say."""
    return _step(pair.qty_increment, pair.qty_precision)


def by_symbol(instruments: Mapping[str, Instrument], roots: Mapping[str, str]) -> dict[str, Instrument]:
    """Instruments by the venue's symbol; `roots` gives that of each of ours."""
    return {roots[symbol]: instrument for symbol, instrument in instruments.items()}


def _step(increment: Decimal | None, digits: int | None) -> Decimal | None:
    if increment is not None:
        return increment if increment.is_finite() and increment > 0 else None
    return None if digits is None or not -15 <= digits <= 15 else Decimal(1).scaleb(-digits)


def _times(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one * other


def amount(told: Decimal) -> Decimal:
    """An amount that can be. Raises KrakenWireError."""
    try:
        return number(str(told))
    except ValueError as error:
        raise KrakenWireError(str(error)) from None


def _ticks(instrument: Instrument, price: Decimal | None) -> int | None:
    if price is None or not price:
        return None
    try:
        return bounded(instrument.ticks(amount(price)), str(price))
    except ValueError as error:
        raise KrakenWireError(str(error)[:120]) from None


def _lots(instrument: Instrument, qty: Decimal, *, signed: bool = False) -> int:
    try:
        lots = bounded(instrument.lots(amount(qty)), str(qty))
    except ValueError as error:
        raise KrakenWireError(str(error)[:120]) from None
    if lots < 0 and not signed:
        raise KrakenWireError("a quantity below 0")
    return lots
