"""Records of Coinbase to values of the model. Pure: no clock, no network. Raises CoinbaseWireError."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from hashlib import sha256

from adapters.coinbase.config import CoinbaseConfig
from adapters.coinbase.wire import (
    CoinbaseCandle,
    CoinbaseFill,
    CoinbaseKey,
    CoinbaseLevel,
    CoinbaseOrder,
    CoinbaseProduct,
    CoinbaseTermsPart,
    CoinbaseTrade,
    CoinbaseWallet,
    CoinbaseWireError,
)
from adapters.common import stamps
from adapters.common.grid_texts import LotTexts, TickTexts, bounded, number, whole_lots
from engine.model.events import Print
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar, Side, Timeframe
from engine.model.orders import (
    Account,
    AccountKind,
    Fill,
    OrderType,
    VenueBalance,
    VenueOrder,
    VenueStatus,
)

EARLIEST, LATEST = stamps.parse("2000-01-01T00:00:00Z"), stamps.parse("2200-01-01T00:00:00Z")
"""Nanoseconds UTC between which everything happens."""
NOTHING = Decimal(0)
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
STATUSES = {
    "PENDING": VenueStatus.PENDING,
    "QUEUED": VenueStatus.PENDING,
    "OPEN": VenueStatus.WORKING,
    "CANCEL_QUEUED": VenueStatus.WORKING,  # it can still fill
    "EDIT_QUEUED": VenueStatus.WORKING,
    "FILLED": VenueStatus.FILLED,
    "CANCELLED": VenueStatus.CANCELED,
    "EXPIRED": VenueStatus.EXPIRED,
    "FAILED": VenueStatus.REJECTED,
}


class CoinbaseCoin:
    """One product with the texts of its prices and sizes that were read so far."""

    __slots__ = ("instrument", "lots", "ticks")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.ticks = TickTexts(instrument)
        self.lots = LotTexts(instrument)


def market_print(row: CoinbaseTrade, coin: CoinbaseCoin, ts_recv: int, seq: int, venue: str) -> Print:
    """Whose side the venue names is not verified: who was the aggressor is left open."""
    with making_sense():
        size = coin.lots[row.size]
        if not size:
            raise ValueError("a print of nothing")
        return Print(
            ts_recv=ts_recv,
            ts_venue=stamp(row.time),
            instrument=coin.instrument.symbol,
            price=coin.ticks[row.price],
            size=size,
            seq=seq,
            venue=venue,
        )


def bar(row: CoinbaseCandle, coin: CoinbaseCoin, timeframe: Timeframe) -> Bar:
    """A bar of history, stamped by its open (seconds UTC). Its volume is in whole lots."""
    with making_sense():
        opened, high, low, close = (coin.ticks[text] for text in (row.open, row.high, row.low, row.close))
        if not low <= min(opened, close) <= max(opened, close) <= high:
            raise ValueError("open and close outside of low and high")
        return Bar(
            instrument=coin.instrument.symbol,
            timeframe=timeframe,
            open_ts=_seconds(row.start),
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=whole_lots(coin.instrument, row.volume),
            backfilled=True,
        )


def order(row: CoinbaseOrder, coin: CoinbaseCoin) -> VenueOrder:
    """What an order is goes by the one part of its configuration."""
    with making_sense():
        status, side = STATUSES.get(row.status), SIDES.get(row.side)
        if status is None or side is None:
            raise ValueError(f"order with status {row.status!r}, side {row.side!r}")
        kind, part = next(
            ((name, part) for name, part in row.order_configuration.items() if part is not None),
            ("", CoinbaseTermsPart()),
        )
        filled = coin.lots[row.filled_size] if row.filled_size else 0
        stop = part.stop_price if kind.startswith("stop_limit") else None
        limit = part.limit_price if stop is None and not kind.startswith("market") else None
        if limit is None and stop is None and not kind.startswith("market"):
            raise ValueError(f"order of kind {kind!r}")
        return VenueOrder(
            venue_id=row.order_id,
            client_id=row.client_order_id or None,
            instrument=coin.instrument.symbol,
            side=side,
            type=OrderType.STOP if stop else OrderType.LIMIT if limit else OrderType.MARKET,
            # Of a purchase by money the size is what has been bought.
            qty=coin.lots[part.base_size] if part.base_size else filled,
            status=status,
            limit=coin.ticks[limit] if limit else None,
            stop=coin.ticks[stop] if stop else None,
            filled_qty=filled,
            ts_venue=stamp(row.last_update_time or row.last_fill_time or row.created_time),
        )


def fill(row: CoinbaseFill, coin: CoinbaseCoin) -> Fill | None:
    """None for what is no trade: a correction or a reversal, which a person has to look at."""
    if row.trade_type != "FILL":
        return None
    with making_sense():
        side, price = SIDES.get(row.side), coin.ticks[row.price]
        if side is None or price <= 0:
            raise ValueError(f"fill with side {row.side!r}, price {row.price!r}")
        if row.size_in_quote:
            qty = round(number(row.size) / number(row.price) / coin.instrument.lot_size)
        else:
            qty = coin.lots[row.size]
        if qty <= 0:
            raise ValueError(f"fill of {row.size!r}")
        return Fill(
            trade_id=row.entry_id,
            venue_order_id=row.order_id,
            instrument=coin.instrument.symbol,
            side=side,
            price=price,
            qty=qty,
            cost_usd=amount(row.commission),
            ts_venue=stamp(row.trade_time),
        )


def account(key: CoinbaseKey, wallets: Iterable[CoinbaseWallet], config: CoinbaseConfig) -> Account:
    """Money counts as a whole, what is held for orders included. Where the venue names no portfolio the
    account goes by its key: with another key nobody could tell that it is the same.
    """
    with making_sense():
        money = sum((_total(one) for one in wallets if one.currency == config.currency), NOTHING)
        who = key.portfolio_uuid or f"of-key-{sha256(config.key_name.reveal().encode()).hexdigest()[:12]}"
        return Account(
            id=who,
            name=f"portfolio {who[:8]}",
            kind=AccountKind.PRACTICE if config.hosts.practice else AccountKind.LIVE,
            balance_usd=money,
            can_trade=key.can_trade,
            currency=config.currency,
            cash=True,
        )


def balances(wallets: Iterable[CoinbaseWallet]) -> tuple[VenueBalance, ...]:
    """By currency; of one there may be several wallets."""
    with making_sense():
        found: dict[str, Decimal] = {}
        for one in wallets:
            found[one.currency] = found.get(one.currency, NOTHING) + _total(one)
        return tuple(VenueBalance(currency, total) for currency, total in found.items())


def terms_differ(row: CoinbaseProduct, instrument: Instrument) -> str | None:
    """How the venue disagrees with our instrument about its steps; None if it doesn't."""
    with making_sense():
        for what, theirs, ours in (
            ("tick size", row.price_increment or row.quote_increment, instrument.tick_size),
            ("lot size", row.base_increment, instrument.lot_size),
        ):
            if number(theirs) != ours:
                return f"its {what} is {number(theirs).normalize():f} at the venue, {ours:f} in our table"
    return None


def pause(row: CoinbaseProduct) -> str:
    """Why a product takes no entries, in the venue's words; empty if it does."""
    for name in ("trading_disabled", "is_disabled", "view_only", "cancel_only", "auction_mode"):
        if getattr(row, name):
            return name.replace("_", " ")
    return "" if row.status in ("", "online") else row.status[:20]


def _total(wallet: CoinbaseWallet) -> Decimal:
    held = wallet.hold
    return number(wallet.available_balance.value) + (number(held.value) if held is not None else NOTHING)


def stamp(text: str) -> int:
    """Nanoseconds UTC. Raises ValueError."""
    ts = stamps.parse(text)
    if not EARLIEST <= ts < LATEST:
        raise ValueError(f"a time that can't be: {text!r}")
    return ts


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ValueError(f"not a time: {text!r}")
    ts = int(text) * NANOS
    if not EARLIEST <= ts < LATEST:
        raise ValueError(f"a time that can't be: {text!r}")
    return ts


def amount(text: str) -> Decimal:
    return number(text) if text else NOTHING


def level(row: CoinbaseLevel, coin: CoinbaseCoin) -> tuple[int, int]:
    """Price in ticks and size in lots, what is less than one as one. Raises ValueError."""
    there = amount(row.new_quantity)
    lots = bounded(int(there // coin.instrument.lot_size), row.new_quantity)
    return coin.ticks[row.price_level], max(1, lots) if there > 0 else 0


@contextmanager
def making_sense() -> Iterator[None]:
    """What does not is a CoinbaseWireError."""
    try:
        yield
    except (ValueError, ArithmeticError) as error:
        raise CoinbaseWireError(str(error)) from None
