"""Records of the wire to values of the model. Pure: no clock, no network."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from hashlib import blake2s

from adapters.binance.records import AggTradeRow, BookTickerRow, ExecutionReport
from adapters.binance.wire import (
    MS,
    AggTradeAnswer,
    BalanceRow,
    KlineRow,
    MyTradeRow,
    SpotAccountRow,
    SpotOrderRow,
    WireFault,
)
from adapters.common.grid_texts import LotTexts, TickTexts, number, whole_lots
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import Bar, Side, Timeframe
from engine.model.orders import Account, AccountKind, Fill, OrderType, VenueBalance, VenueStatus

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
STATUSES = {
    "NEW": VenueStatus.WORKING,
    "PENDING_NEW": VenueStatus.PENDING,
    "PARTIALLY_FILLED": VenueStatus.WORKING,
    "PENDING_CANCEL": VenueStatus.WORKING,
    "FILLED": VenueStatus.FILLED,
    "CANCELED": VenueStatus.CANCELED,
    "REJECTED": VenueStatus.REJECTED,
    "EXPIRED": VenueStatus.EXPIRED,
    "EXPIRED_IN_MATCH": VenueStatus.EXPIRED,
}
TYPES = {
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "TAKE_PROFIT_LIMIT": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "STOP_LOSS": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP,
    "TAKE_PROFIT": OrderType.STOP,
}
INTERVALS = {
    Timeframe.M1: "1m",
    Timeframe.M3: "3m",
    Timeframe.M5: "5m",
    Timeframe.M15: "15m",
    Timeframe.M30: "30m",
    Timeframe.H1: "1h",
    Timeframe.H2: "2h",
    Timeframe.H4: "4h",
    Timeframe.D1: "1d",
}
"""What Binance calls the lengths of bars that it has."""


class LotGrid:
    """Prices and quantities of one instrument as the wire writes them, to ticks and lots."""

    __slots__ = ("instrument", "lots", "ticks")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.ticks = TickTexts(instrument)
        self.lots = LotTexts(instrument)


def market_print(row: AggTradeRow | AggTradeAnswer, grid: LotGrid, ts_recv: int, venue: str) -> Print:
    """Raises ValueError for what is off the grid."""
    size = grid.lots[row.q]
    if size <= 0:
        raise WireFault(f"a trade of {row.q}")
    return Print(
        ts_recv=ts_recv,
        ts_venue=row.T * MS,
        instrument=grid.instrument.symbol,
        price=grid.ticks[row.p],
        size=size,
        aggressor=Side.SELL if row.m else Side.BUY,
        seq=row.a,
        venue=venue,
    )


def quote(bid: str, ask: str, grid: LotGrid, ts_recv: int, venue: str, ts_venue: int = 0) -> Quote:
    """The top of the book, of which Binance tells no time: where none is given, ours counts. A price of 0 is
    none. Raises ValueError.
    """
    return Quote(
        ts_recv=ts_recv,
        ts_venue=ts_venue or ts_recv,
        instrument=grid.instrument.symbol,
        bid=grid.ticks[bid] or None,
        ask=grid.ticks[ask] or None,
        venue=venue,
    )


def stream_quote(row: BookTickerRow, grid: LotGrid, ts_recv: int, venue: str) -> Quote:
    """Raises ValueError."""
    return quote(row.b, row.a, grid, ts_recv, venue, row.E * MS)


def bar(row: KlineRow, grid: LotGrid, timeframe: Timeframe) -> Bar:
    """A closed bar of history. Its volume is in whole lots, rounded down. Raises ValueError."""
    ticks = grid.ticks
    volume = whole_lots(grid.instrument, row[5])
    if volume < 0:
        raise WireFault(f"a volume of {row[5]}")
    opened, high, low, close = ticks[row[1]], ticks[row[2]], ticks[row[3]], ticks[row[4]]
    if not low <= min(opened, close) <= max(opened, close) <= high:
        raise WireFault("a bar whose high and low do not hold its open and close")
    return Bar(
        instrument=grid.instrument.symbol,
        timeframe=timeframe,
        open_ts=row[0] * MS,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        backfilled=True,
    )


def account(row: SpotAccountRow, kind: AccountKind, money: str, key: str) -> Account:
    """Binance has no name of an account: it is called by its number, or by what is left of its key's digest.

    What the account has of its money is cash alone: what coins have cost is not in it. Raises ValueError.
    """
    digest = blake2s(key.encode(), digest_size=4).hexdigest()
    number = str(row.uid) if row.uid is not None else digest
    held = sum((_total(one) for one in row.balances if one.asset == money), Decimal(0))
    return Account(
        number,
        f"SPOT-{number}",
        kind,
        held,
        row.can_trade,
        currency=money,
        cash=True,
    )


def balances(row: SpotAccountRow, coins: Iterable[str]) -> tuple[VenueBalance, ...]:
    """What the account has of each coin, nothing included. Raises ValueError."""
    told = {one.asset: one for one in row.balances}
    return tuple(
        VenueBalance(coin, _total(told[coin]) if coin in told else Decimal(0)) for coin in sorted(set(coins))
    )


def _total(row: BalanceRow) -> Decimal:
    return number(row.free) + number(row.locked)


def side(told: str) -> Side:
    try:
        return SIDES[told]
    except KeyError:
        raise WireFault(f"a side of {told[:20]!r}") from None


def status(told: str) -> VenueStatus:
    try:
        return STATUSES[told]
    except KeyError:
        raise WireFault(f"a status of {told[:20]!r}") from None


def row_of(report: ExecutionReport) -> SpotOrderRow:
    """The order as an event shows it, in the form of an answer."""
    return SpotOrderRow(
        symbol=report.s,
        order_id=report.i,
        client_order_id=report.own_id,
        side=report.S,
        type=report.o,
        status=report.X,
        price=report.p,
        orig_qty=report.q,
        executed_qty=report.z,
        stop_price=report.P,
        order_list_id=report.g,
        time=report.O,
        update_time=report.T,
    )


def stream_fill(report: ExecutionReport, grid: LotGrid, venue_id: str) -> Fill:
    """Raises ValueError."""
    return _fill(
        grid,
        venue_id,
        report.t,
        side(report.S),
        (report.L, report.l),
        (report.n or "0", report.N or ""),
        report.T,
        report.m,
    )


def queried_fill(row: MyTradeRow, grid: LotGrid, venue_id: str) -> Fill:
    """Raises ValueError."""
    return _fill(
        grid,
        venue_id,
        row.id,
        Side.BUY if row.is_buyer else Side.SELL,
        (row.price, row.qty),
        (row.commission, row.commission_asset),
        row.time,
        row.is_maker,
    )


def _fill(
    grid: LotGrid,
    venue_id: str,
    trade: int,
    bought: Side,
    traded: tuple[str, str],
    fee: tuple[str, str],
    ms: int,
    maker: bool,
) -> Fill:
    known = grid.instrument
    price, lots = grid.ticks[traded[0]], grid.lots[traded[1]]
    if lots <= 0 or trade < 0:
        raise WireFault(f"a trade of {traded[1]}, number {trade}")
    paid, asset = number(fee[0]), fee[1]
    cost, coins = Decimal(0), Decimal(0)
    if asset == known.base and bought is Side.BUY:
        coins = paid
    elif asset == known.base:
        cost = paid * known.price(price)
    elif asset == known.currency:
        cost = paid
    elif paid:
        # Paid in a third coin, whose price is not known here: what the instrument's own rate comes to.
        cost = known.charged(price, lots, maker=maker)
    return Fill(
        trade_id=f"{known.root}-{trade}",
        venue_order_id=venue_id,
        instrument=known.symbol,
        side=bought,
        price=price,
        qty=lots,
        cost_usd=cost,
        ts_venue=ms * MS,
        fee_base=coins,
    )
