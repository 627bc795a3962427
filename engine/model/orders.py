"""Orders, fills and positions, ours and as the venue reports them. Quantities are whole contracts."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.model.instrument import InstrumentKind
from engine.model.market import Side


class Capabilities(Struct, frozen=True):
    """What a broker takes. It is asked; nothing is tried to find out."""

    nearest_exit_ticks: int = 1
    """A stop or a target of a future stands no nearer to its entry."""
    farthest_exit_ticks: int | None = None
    """And no farther from it. A tick of other kinds is small beside the price: for them neither counts."""
    balances: bool = False
    """Coins that are bought are told of as balances of the account, beside whatever else of them it holds.
    Without it spot can be watched and not traded (docs/semantics.md#spot).
    """
    native_brackets: bool = True
    """It may keep the stop and the target of an entry itself. Without, they are orders of our own."""
    paired_exits: bool = True
    """Stop and target of the same coins rest at once. Without, the stop has them and rests alone."""
    stops_move: bool = True
    """A stop that has coins can be changed where it rests. Without, it is cancelled and placed anew."""

    def watches_target(self, kind: InstrumentKind) -> bool:
        """Whether no order can rest for a target, so that the market is watched for it instead."""
        return kind is InstrumentKind.SPOT and self.balances and not self.paired_exits

    def takes_exit(self, ticks: int, kind: InstrumentKind = InstrumentKind.FUTURE) -> bool:
        """Whether an exit may stand so far from its entry, on its own side."""
        if kind is not InstrumentKind.FUTURE:
            return ticks > 0
        farthest = self.farthest_exit_ticks
        return self.nearest_exit_ticks <= ticks and (farthest is None or ticks <= farthest)


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class OrderSpec(Struct, frozen=True):
    """What an order is. From the diff over intent, effect and wire to the folded order it goes unchanged."""

    side: Side
    type: OrderType
    qty: int
    limit: int | None = None
    """Ticks; of limit orders."""
    stop: int | None = None
    """Ticks; of stop orders."""
    stop_offset: int | None = None
    """Of an entry's native bracket: signed ticks from the fill price, negative for a long."""
    target_offset: int | None = None
    reduces: bool = False
    """Shrinks a position: passes even when the journal is down."""

    @property
    def price(self) -> int | None:
        """Where it rests, ticks; None of a market order."""
        return self.stop if self.type is OrderType.STOP else self.limit


class Specified:
    """For whatever carries a spec: its parts are read through."""

    __slots__ = ()

    if TYPE_CHECKING:
        spec: OrderSpec

    @property
    def side(self) -> Side:
        return self.spec.side

    @property
    def type(self) -> OrderType:
        return self.spec.type

    @property
    def qty(self) -> int:
        return self.spec.qty

    @property
    def limit(self) -> int | None:
        return self.spec.limit

    @property
    def stop(self) -> int | None:
        return self.spec.stop

    @property
    def stop_offset(self) -> int | None:
        return self.spec.stop_offset

    @property
    def target_offset(self) -> int | None:
        return self.spec.target_offset

    @property
    def reduces(self) -> bool:
        return self.spec.reduces

    @property
    def price(self) -> int | None:
        return self.spec.price


class OrderStatus(StrEnum):
    """Where an order of ours stands (docs/semantics.md#order-states)."""

    NEW = "new"
    SENT = "sent"
    UNKNOWN = "unknown"
    WORKING = "working"
    PARTIAL = "partial"
    PENDING_CANCEL = "pending_cancel"
    PENDING_MODIFY = "pending_modify"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    DENIED = "denied"

    terminal: bool
    """It is over."""
    live: bool
    """It stands at the venue, or may."""


for _status in OrderStatus:
    _status.terminal = _status in (
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.REJECTED,
        OrderStatus.EXPIRED,
        OrderStatus.DENIED,
    )
    _status.live = not _status.terminal and _status is not OrderStatus.NEW


class Slot(StrEnum):
    """What an order is for, within one leg of a plan. At most one live order stands in a slot."""

    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    PART = "part"
    """Closes a part of what is held, at market."""


class VenueStatus(StrEnum):
    """An order as the venue describes it."""

    PENDING = "pending"
    WORKING = "working"
    SUSPENDED = "suspended"
    """A bracket leg that waits for its entry to fill. It counts as open."""
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    live: bool


for _venue_status in VenueStatus:
    _venue_status.live = _venue_status in (VenueStatus.PENDING, VenueStatus.WORKING, VenueStatus.SUSPENDED)


BRACKET_SUFFIXES = ("-SL", "-TP")
"""A venue that makes bracket legs tags them with the entry's client id and one of these."""


class Fill(Struct, frozen=True):
    """One execution. `trade_id` is unique per account: the key against counting it twice."""

    trade_id: str
    venue_order_id: str
    instrument: str
    side: Side
    price: int
    qty: int
    cost_usd: Decimal
    """Fees and commission of this execution, all its contracts, USD."""
    ts_venue: int
    fee_base: Decimal = Decimal(0)
    """Of a purchase whose fee is taken out of the coins that were bought: how much of them."""


class VenueOrder(Struct, frozen=True):
    """An order as the venue reports it, by stream or by query."""

    venue_id: str
    client_id: str | None
    """Our own tag, or None for orders that the platform or a person made."""
    instrument: str
    side: Side
    type: OrderType
    qty: int
    status: VenueStatus
    limit: int | None = None
    stop: int | None = None
    filled_qty: int = 0
    parent_id: str | None = None
    """Venue id of the entry whose bracket leg this is."""
    ts_venue: int = 0


class VenuePosition(Struct, frozen=True):
    """Net position at the venue; `qty` is signed (short negative), `average_price` in price units."""

    instrument: str
    qty: int
    average_price: Decimal


class VenueBalance(Struct, frozen=True):
    """What an account has of a coin, in all: what rests in orders, and what tstream did not buy, included."""

    currency: str
    total: Decimal


class AccountKind(StrEnum):
    PRACTICE = "practice"
    """Play money at the built-in practice venue or a practice account of the firm."""
    PAPER = "paper"
    LIVE = "live"
    """Anything not recognised as practice: money or an evaluation is at stake."""


STRICTEST_FIRST = (AccountKind.LIVE, AccountKind.PRACTICE, AccountKind.PAPER)


class Margin(Struct, frozen=True):
    """What trades tie up of an account's money (docs/semantics.md#margin); None where nobody knows."""

    used_usd: Decimal | None = None
    available_usd: Decimal | None = None
    """May be below 0."""


class AccountStage(StrEnum):
    """What a LIVE account of a firm is about."""

    EVAL = "eval"
    """It is to be passed: its fee is at stake."""
    FUNDED = "funded"
    """What it earns is paid out."""


class Account(Struct, frozen=True):
    """One account at a venue. `balance_usd` counts closed trades only."""

    id: str
    name: str
    kind: AccountKind
    balance_usd: Decimal
    can_trade: bool
    margin: Margin | None = None
    """As the venue tells it; None from one that does not, and where nothing is new."""
    currency: str = ""
    """In which it is kept and its book counts; empty where nobody says: that of what is traded."""
    cash: bool = False
    """`balance_usd` is money alone, as a venue tells it that does not know what its coins have cost: the
    order manager adds what it paid for those that it holds (docs/semantics.md#spot).
    """
