"""What goes in and out of the REST API. Routing, checks, OpenAPI and docs/api.md are made of these.

Prices are Decimals in price units, quantities whole lots, times nanoseconds UTC of the engine's clock unless
the name says another unit; amounts are in the currency that the contract or book names.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta, Struct

from engine.model.alert_tries import LONGEST_TRY
from engine.model.commands import MOST_BOOKS, MOST_MINUTES, MOST_TARGETS, MOST_TICKS
from engine.model.market import Side, Timeframe
from engine.model.notices import Notice
from engine.model.orders import AccountKind, OrderType
from engine.model.refusals import OVERRIDES
from engine.model.restrictions import RestrictionView, TradingState
from engine.model.review import Span
from engine.model.verdicts import OrderVerdict
from engine.model.view import (
    AlertView,
    BookView,
    BotView,
    HealthView,
    LinkView,
    OrderView,
    PositionView,
    SessionView,
    TradeView,
)
from engine.model.view_opinion import OpinionView
from engine.model.view_performance import PerformanceView
from engine.model.view_signals import PatternView

HIGHEST = 99_999_999
LEAST = Decimal("0.000000001")
PLAIN = r"^(0\.[0-9]{0,8}[1-9]0{0,8}|[1-9][0-9]{0,7}(\.[0-9]{1,9})?)$"
_PLAIN = re.compile(PLAIN, re.ASCII)


class PlainNumber(Decimal):
    """A number above 0 as a JSON number or as text; it is never read by way of a float."""


def read_plain(kind: type, value: object) -> object:
    """Hook of the decoder. Raises ValueError, NotImplementedError."""
    if kind is not PlainNumber:
        raise NotImplementedError
    if isinstance(value, str):
        if not _PLAIN.fullmatch(value):
            raise ValueError("expected a plain number such as 21000.25")
    elif isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError("expected a number")
    number = Decimal(value)
    if not (number.is_finite() and LEAST <= number < HIGHEST + 1):
        raise ValueError(f"expected a number from {LEAST:f} to {HIGHEST}")
    return PlainNumber(number)


def schema_of(kind: type) -> dict[str, Any]:
    """Hook of the schema. Raises NotImplementedError."""
    if kind is not PlainNumber:
        raise NotImplementedError
    return {
        "type": ["number", "string"],
        "minimum": float(LEAST),
        "maximum": HIGHEST,
        "pattern": PLAIN,
        "description": 'Above 0; a number, or the same as text: 21000.25 or "21000.25".',
    }


def plain(number: PlainNumber | None) -> Decimal | None:
    return None if number is None else Decimal(number)


Symbol = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9._@-]{1,60}$", description='As contracts are called: "MNQ", "BTCUSDT".')
]
BookName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._ -]{1,60}$", description="Which account, by its book.")]
OrderId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._-]{1,60}$",
        description="The order_id that placing answered, the plan that orders name, or a client id.",
    ),
]
Ticks = Annotated[int, Meta(ge=1, le=MOST_TICKS)]
Override = Annotated[str, Meta(pattern=f"^({'|'.join(OVERRIDES)})$")]


# --- requests ------------------------------------------------------------------------------------------


class ApiRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base."""


class StartRequest(ApiRequest, frozen=True):
    halted: bool = False
    """Lift a halt too, on purpose."""


class StopRequest(ApiRequest, frozen=True):
    how: Annotated[str, Meta(pattern="^(pause|halt|flatten|shutdown)$")] = "pause"
    """pause: no new entries, exits and stops stay. halt: the same, and only a start with `halted` lifts it.
    flatten: close everything, then pause. shutdown: end the engine; stops stay at the venue.
    """


class OrderRequest(ApiRequest, frozen=True):
    """A trade with its stop. `qty` or `risk_usd`, `stop` or `stop_ticks`, `targets` or `target_ticks`."""

    symbol: Symbol
    side: Side
    qty: PlainNumber | None = None
    """Contracts, shares, coins."""
    risk_usd: PlainNumber | None = None
    """Or what may be lost at the stop, costs included; the quantity follows from it."""
    sized: bool = False
    """Or as many as the book's own sizing makes of the stop."""
    type: OrderType = OrderType.MARKET
    price: PlainNumber | None = None
    """Where a limit or stop entry rests."""
    stop: PlainNumber | None = None
    """The protective stop."""
    stop_ticks: Ticks | None = None
    """Or so far from where the entry fills."""
    targets: Annotated[tuple[PlainNumber, ...], Meta(max_length=MOST_TARGETS)] = ()
    """Nearest first; with two, half goes to each."""
    target_ticks: Annotated[tuple[Ticks, ...], Meta(max_length=MOST_TARGETS)] = ()
    """Or so far from where the entry fills."""
    minutes: Annotated[int, Meta(ge=1, le=MOST_MINUTES)] | None = None
    """How long an entry may rest; without, for the day."""
    book: BookName | None = None
    """Needed where there are several."""
    books: Annotated[tuple[BookName, ...], Meta(max_length=MOST_BOOKS)] = ()
    """Or several: one trade in each, and a verdict of each."""
    override: Annotated[tuple[Override, ...], Meta(max_length=len(OVERRIDES))] = ()
    """Refusals that give way to a person (docs/manual-orders.md#overrides)."""
    dry_run: bool = False
    """Only say what would come of it."""


class CloseRequest(ApiRequest, frozen=True):
    symbol: Symbol | None = None
    book: BookName | None = None
    """Without: in every book."""
    all: bool = False
    """Close everything; needed where no symbol is given."""
    qty: PlainNumber | None = None
    """So much of the symbol at market, in one book; what stays keeps its stops. Without: all of it."""
    dry_run: bool = False
    """Of a part: only say what would come of it."""


class ReverseRequest(ApiRequest, frozen=True):
    """What is not said is as of the trade that is closed."""

    symbol: Symbol
    book: BookName | None = None
    """Needed where there are several."""
    qty: PlainNumber | None = None
    risk_usd: PlainNumber | None = None
    stop: PlainNumber | None = None
    stop_ticks: Ticks | None = None
    targets: Annotated[tuple[PlainNumber, ...], Meta(max_length=MOST_TARGETS)] = ()
    target_ticks: Annotated[tuple[Ticks, ...], Meta(max_length=MOST_TARGETS)] = ()
    override: Annotated[tuple[Override, ...], Meta(max_length=len(OVERRIDES))] = ()
    dry_run: bool = False


class ChangeRequest(ApiRequest, frozen=True):
    """What is left out stays."""

    price: PlainNumber | None = None
    """Where a resting entry goes, or with `add_qty` where that rests."""
    stop: PlainNumber | None = None
    targets: Annotated[tuple[PlainNumber, ...], Meta(max_length=MOST_TARGETS)] = ()
    """All of them, nearest first."""
    add_target: PlainNumber | None = None
    drop_targets: Annotated[tuple[PlainNumber, ...], Meta(max_length=MOST_TARGETS)] = ()
    trail_ticks: Annotated[int, Meta(ge=0, le=MOST_TICKS)] | None = None
    """Its stop follows at this distance; 0 ends that."""
    add_qty: PlainNumber | None = None
    """So much more of the trade, at market or at the limit `price`, instead of any change."""
    override: Annotated[tuple[Override, ...], Meta(max_length=len(OVERRIDES))] = ()
    dry_run: bool = False


class SubscribeRequest(ApiRequest, frozen=True):
    symbols: Annotated[tuple[Symbol, ...], Meta(min_length=1, max_length=100)]


class TryRequest(ApiRequest, frozen=True):
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_TRY)]
    """As it would be posted."""
    room: Annotated[str, Meta(max_length=100)] = ""
    """By its name; without it the first one."""


class JournalQuery(ApiRequest, frozen=True):
    span: Span = Span.WEEK
    day: Annotated[str, Meta(pattern="^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""
    """A trade date in it; without it the newest."""
    book: BookName | None = None


class BookQuery(ApiRequest, frozen=True):
    book: BookName | None = None


class ListQuery(ApiRequest, frozen=True):
    symbol: Symbol | None = None
    book: BookName | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    """The newest so many."""


class KlinesQuery(ApiRequest, frozen=True):
    interval: Timeframe = Timeframe.M1
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    """The newest so many; the last one may still be forming."""


# --- replies -------------------------------------------------------------------------------------------


class AliveReply(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Without a token `alive` and `version` alone."""

    alive: bool
    version: str
    ts: int | None = None
    uptime_s: int | None = None
    mode: AccountKind | None = None
    """The strictest of all books: any live book makes it live."""
    venue: str | None = None
    practice_time: bool | None = None
    """The engine's clock is the practice venue's."""
    trading: TradingState | None = None
    """active, or the strictest that holds entries back everywhere."""
    ok: bool | None = None
    detail: str | None = None
    """What is wrong, the worst first."""
    session: SessionView | None = None
    books: tuple[str, ...] | None = None
    contracts: tuple[str, ...] | None = None
    restrictions: tuple[RestrictionView, ...] | None = None


class CommandReply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The engine has taken a command, and this is its answer."""

    id: str
    """Of the command, as the journal has it."""
    message: str
    verdicts: tuple[OrderVerdict, ...] = ()
    """What each book says to an order by hand: quantity, risk, what is left of its limits."""


class OrderReply(Struct, frozen=True, kw_only=True):
    """An order was taken."""

    order_id: str
    """By which it is cancelled."""
    message: str
    dry_run: bool = False
    verdicts: tuple[OrderVerdict, ...] = ()
    """What each book says: quantity, risk, what is left of its limits."""


class OrdersReply(Struct, frozen=True):
    ts: int
    orders: tuple[OrderView, ...]


class PositionsReply(Struct, frozen=True):
    ts: int
    positions: tuple[PositionView, ...]


class TickerRow(Struct, frozen=True, kw_only=True):
    symbol: str
    name: str
    """With its month: "MNQZ6"."""
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    change: Decimal | None
    """Since the previous settlement, or the session's open."""
    age_ms: int | None
    """Since the last quote or print."""
    stale: bool
    delayed: bool
    tick_size: Decimal
    lot_size: Decimal
    """What one lot is: quantities are whole lots."""
    currency: str
    trading: TradingState
    position_qty: int
    """Lots, signed."""


class TickerReply(Struct, frozen=True):
    ts: int
    ticker: TickerRow


class SubscribedReply(Struct, frozen=True):
    symbols: tuple[str, ...]
    """Whose prices this token's WebSockets get from now on."""
    url: str
    """Of the WebSocket."""


class Kline(Struct, frozen=True, kw_only=True):
    """One bar over [open_ts, close_ts)."""

    open_ts: int
    close_ts: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    """Contracts, coins, shares."""
    closed: bool
    gap: bool
    """Prices were missing during some of it."""


class KlinesReply(Struct, frozen=True):
    symbol: str
    interval: Timeframe
    klines: tuple[Kline, ...]


class TradesReply(Struct, frozen=True):
    ts: int
    trades: tuple[TradeView, ...]


class PerformanceReply(Struct, frozen=True):
    """What each book and each bot has come to; amounts are net of costs, in the book's currency."""

    ts: int
    books: tuple[BookView, ...]
    bots: tuple[BotView, ...]
    performance: tuple[PerformanceView, ...]
    """Of each book over many days: trades, drawdown, risk."""


class HealthReply(Struct, frozen=True):
    ts: int
    health: HealthView
    links: tuple[LinkView, ...]


class SettingsReply(Struct, frozen=True):
    settings: dict[str, Any]
    """By section, as in docs/configuration.md; secrets are masked."""


class PatternsReply(Struct, frozen=True):
    ts: int
    patterns: tuple[PatternView, ...]


class OpinionReply(Struct, frozen=True):
    ts: int
    opinion: OpinionView | None
    """None where no second opinion is wanted."""


class AlertsReply(Struct, frozen=True):
    ts: int
    alerts: tuple[AlertView, ...]
    """Messages of alert rooms. `excerpt` is text from outside."""
    warnings: tuple[Notice, ...]
    """What the engine has warned of lately. `text` may hold words from outside."""
