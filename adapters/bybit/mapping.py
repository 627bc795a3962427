"""Records of Bybit to values of the model. Pure: no clock, no network. Raises BybitWireError for nonsense."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from msgspec.structs import replace

from adapters.bybit.config import BybitCategory, BybitConfig
from adapters.bybit.wire import (
    BybitBook,
    BybitExecution,
    BybitKey,
    BybitOrder,
    BybitPosition,
    BybitTerms,
    BybitTrade,
    BybitWallet,
    BybitWireError,
    KlineRow,
)
from adapters.common.grid_texts import LotTexts, TickTexts, number, whole_lots
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import Bar, Side, Timeframe
from engine.model.orders import (
    Account,
    AccountKind,
    Fill,
    Margin,
    OrderType,
    VenueBalance,
    VenueOrder,
    VenuePosition,
    VenueStatus,
)

MILLI = 1_000_000
EARLIEST, LATEST = 946_684_800_000, 7_258_118_400_000
"""Milliseconds UTC between which everything happens: the years 2000 to 2200."""
NOTHING = Decimal(0)

SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_STATUSES = {
    "New": VenueStatus.WORKING,
    "PartiallyFilled": VenueStatus.WORKING,
    "Untriggered": VenueStatus.WORKING,  # a stop that rests
    "Triggered": VenueStatus.WORKING,  # momentary, between Untriggered and New
    "Rejected": VenueStatus.REJECTED,
    "PartiallyFilledCanceled": VenueStatus.CANCELED,
    "Filled": VenueStatus.FILLED,
    "Cancelled": VenueStatus.CANCELED,
    "Deactivated": VenueStatus.CANCELED,
}
TRADES = frozenset({"Trade", "AdlTrade", "BustTrade", "BlockTrade", "Settle", "Delivery"})
"""Executions that change a position. Funding is money without a size; others are not of these categories."""


class BybitProduct:
    """One instrument with the texts of its prices and sizes that were read so far."""

    __slots__ = ("instrument", "lots", "ticks")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.ticks = TickTexts(instrument)
        self.lots = LotTexts(instrument)


def quote(
    row: BybitBook, product: BybitProduct, ts: int, last: int | None, ts_recv: int, venue: str
) -> Quote:
    """The top of the book; a side that is empty is None. `ts` is the record's, milliseconds."""
    with _making_sense():
        return Quote(
            ts_recv=ts_recv,
            ts_venue=millis(ts),
            instrument=product.instrument.symbol,
            bid=product.ticks[row.b[0][0]] if row.b else None,
            ask=product.ticks[row.a[0][0]] if row.a else None,
            venue=venue,
            last=last,
        )


def market_print(row: BybitTrade, product: BybitProduct, ts_recv: int, seq: int, venue: str) -> Print:
    with _making_sense():
        size = product.lots[row.v]
        if not size:
            raise ValueError("a print of nothing")
        return Print(
            ts_recv=ts_recv,
            ts_venue=millis(row.T),
            instrument=product.instrument.symbol,
            price=product.ticks[row.p],
            size=size,
            aggressor=SIDES.get(row.S),
            seq=seq,
            venue=venue,
        )


def bar(row: KlineRow, product: BybitProduct, timeframe: Timeframe) -> Bar:
    """A bar of history, stamped by its open. Its volume is in whole lots."""
    with _making_sense():
        opened, high, low, close = (product.ticks[text] for text in row[1:5])
        if not low <= min(opened, close) <= max(opened, close) <= high:
            raise ValueError("open and close outside of low and high")
        return Bar(
            instrument=product.instrument.symbol,
            timeframe=timeframe,
            open_ts=_stamp(row[0]),
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=whole_lots(product.instrument, row[5]),
            backfilled=True,
        )


def order(row: BybitOrder, product: BybitProduct) -> VenueOrder:
    """A conditional order is a stop with its trigger; what a market order has as its price is a protection
    of the venue's own.
    """
    with _making_sense():
        status, side = _STATUSES.get(row.order_status), SIDES.get(row.side)
        if status is None or side is None:
            raise ValueError(f"order with status {row.order_status!r}, side {row.side!r}")
        trigger = _amount(row.trigger_price)
        kind = OrderType.STOP if trigger else _type_of(row.order_type)
        limit = product.ticks[row.price] if kind is OrderType.LIMIT else None
        return VenueOrder(
            venue_id=row.order_id,
            client_id=row.order_link_id or None,
            instrument=product.instrument.symbol,
            side=side,
            type=kind,
            qty=product.lots[row.qty],
            status=status,
            limit=limit,
            stop=product.ticks[row.trigger_price] if trigger else None,
            filled_qty=product.lots[row.cum_exec_qty] if row.cum_exec_qty else 0,
            ts_venue=_stamp(row.updated_time or row.created_time),
        )


def _type_of(text: str) -> OrderType:
    if text == "Limit":
        return OrderType.LIMIT
    if text == "Market":
        return OrderType.MARKET
    raise ValueError(f"order of type {text!r}")


def fill(row: BybitExecution, product: BybitProduct, spot: bool) -> Fill | None:
    """None for what changes no position, such as funding. A fee may be negative: a rebate."""
    if row.exec_type not in TRADES:
        return None
    with _making_sense():
        side, qty = SIDES.get(row.side), product.lots[row.exec_qty]
        if side is None or not qty:
            raise ValueError(f"execution with side {row.side!r}, size {row.exec_qty!r}")
        fee = _amount(row.exec_fee)
        in_base = spot and row.fee_currency == product.instrument.base
        if fee and spot and not in_base and row.fee_currency not in ("", product.instrument.currency):
            raise ValueError(f"a fee in {row.fee_currency!r}")
        return Fill(
            trade_id=row.exec_id,
            venue_order_id=row.order_id,
            instrument=product.instrument.symbol,
            side=side,
            price=product.ticks[row.exec_price],
            qty=qty,
            cost_usd=NOTHING if in_base else fee,
            ts_venue=_stamp(row.exec_time),
            fee_base=fee if in_base else NOTHING,
        )


def position(row: BybitPosition, product: BybitProduct) -> VenuePosition:
    """Raises BybitWireError for a side of a hedge: two positions in one instrument are not ours to keep."""
    with _making_sense():
        if row.position_idx:
            raise ValueError(HEDGE)
        qty = product.lots[row.size] if row.size else 0
        side = SIDES.get(row.side)
        if qty and side is None:
            raise ValueError(f"position with side {row.side!r}, size {row.size!r}")
        average = _amount(row.avg_price or row.entry_price)
        return VenuePosition(product.instrument.symbol, qty * side.sign if side else 0, average)


HEDGE = (
    "the account keeps long and short apart (hedge mode): set the position mode to one-way at the venue, "
    "tstream does not change it"
)


def account(key: BybitKey, wallet: BybitWallet, config: BybitConfig) -> Account:
    """The balance is the wallet's, of the currency that everything is settled in: closed trades only."""
    with _making_sense():
        kind = AccountKind.PRACTICE if config.hosts.practice else AccountKind.LIVE
        who, may = str(key.userID), may_trade(key, config.category)
        spot = config.category is BybitCategory.SPOT
        empty = Account(who, f"UID {who}", kind, NOTHING, may, currency=config.currency, cash=spot)
        return with_wallet(empty, wallet, config)


def with_wallet(known: Account, wallet: BybitWallet, config: BybitConfig) -> Account:
    """The account as its wallet stands now."""
    with _making_sense():
        money = (_amount(one.wallet_balance) for one in wallet.coin if one.coin == config.currency)
        return replace(
            known,
            balance_usd=next(money, NOTHING),
            margin=margin(wallet) if config.category is BybitCategory.LINEAR else None,
        )


def may_trade(key: BybitKey, category: BybitCategory) -> bool:
    rights = key.permissions
    if category is BybitCategory.SPOT:
        return not key.readOnly and bool(rights.Spot)
    return not key.readOnly and ("Order" in rights.ContractTrade or bool(rights.Derivatives))


def margin(wallet: BybitWallet) -> Margin | None:
    with _making_sense():
        used, available = wallet.total_initial_margin, wallet.total_available_balance
        if not used and not available:
            return None
        return Margin(_amount(used) if used else None, _amount(available) if available else None)


def balances(wallet: BybitWallet) -> tuple[VenueBalance, ...]:
    with _making_sense():
        return tuple(VenueBalance(one.coin, _amount(one.wallet_balance)) for one in wallet.coin)


def terms_differ(row: BybitTerms, instrument: Instrument) -> str | None:
    """How the venue disagrees with our instrument about its steps or coins; None if it doesn't."""
    sizes = row.lot_size_filter
    with _making_sense():
        for what, theirs, ours in (
            ("tick size", row.price_filter.tick_size, instrument.tick_size),
            ("lot size", sizes.qty_step or sizes.base_precision, instrument.lot_size),
        ):
            if number(theirs) != ours:
                return f"its {what} is {number(theirs).normalize():f} at the venue, {ours:f} in our table"
    currency = row.settle_coin or row.quote_coin
    if currency != instrument.currency:
        return f"it is settled in {currency[:20]}, in our table in {instrument.currency}"
    return None


def least_notional(row: BybitTerms) -> Decimal:
    """In the settlement currency; 0 where the venue tells none."""
    sizes = row.lot_size_filter
    with _making_sense():
        return _amount(sizes.min_notional_value or sizes.min_order_amt)


def most_at_market(row: BybitTerms, instrument: Instrument) -> int | None:
    """Lots of a market order; None where the venue tells none."""
    sizes = row.lot_size_filter
    text = sizes.max_mkt_order_qty or sizes.max_market_order_qty
    with _making_sense():
        return whole_lots(instrument, text) if text and _amount(text) else None


def millis(ms: int) -> int:
    """Nanoseconds UTC. Raises ValueError."""
    if not EARLIEST <= ms < LATEST:
        raise ValueError(f"a time that can't be: {ms}")
    return ms * MILLI


def _stamp(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ValueError(f"not a time: {text!r}")
    return millis(int(text))


def _amount(text: str) -> Decimal:
    return number(text) if text else NOTHING


@contextmanager
def _making_sense() -> Iterator[None]:
    """What does not is a BybitWireError."""
    try:
        yield
    except (ValueError, ArithmeticError) as error:
        raise BybitWireError(str(error)) from None
