"""The state that survives a restart, and the one function that changes it: `apply(state, record)`.

`step` and start-up use the same function, so what a restart finds is what was there.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import Account, OrderStatus, OrderType, Slot
from engine.model.plans import PlanStatus, TradePlan
from engine.model.view import TradingState
from engine.trading.position import Position, Trade

EQUITY_POINTS = 2_000
TRADES_KEPT = 10_000


class Order(Struct):
    """An order of ours (or adopted) and where it stands."""

    client_id: str
    book: str
    instrument: str
    side: Side
    type: OrderType
    qty: int
    plan_id: str | None
    leg: int
    slot: Slot | None
    created_ts: int
    limit: int | None = None
    stop: int | None = None
    stop_offset: int | None = None
    target_offset: int | None = None
    status: OrderStatus = OrderStatus.NEW
    venue_id: str | None = None
    filled_qty: int = 0
    suspended: bool = False
    changed_ts: int = 0
    venue_ts: int = 0
    cancel_wanted: bool = False
    reason: str = ""

    @property
    def live(self) -> bool:
        """Stands at the venue, or may."""
        return not self.status.terminal and self.status is not OrderStatus.NEW

    @property
    def open_qty(self) -> int:
        return self.qty - self.filled_qty

    @property
    def price(self) -> int | None:
        """Where it rests, ticks."""
        return self.stop if self.type is OrderType.STOP else self.limit


class LegState(Struct):
    """What has happened to one leg of a plan. Sums of price x quantity in ticks."""

    entered: int = 0
    entered_sum: int = 0
    exited: int = 0
    entry_ts: int = 0
    """When its first contract was filled."""
    slots: dict[Slot, str] = field(default_factory=dict)
    """Client id of the newest order in each slot."""

    @property
    def open_qty(self) -> int:
        return self.entered - self.exited


class PlanState(Struct):
    plan: TradePlan
    legs: list[LegState]

    @property
    def open_qty(self) -> int:
        return sum(leg.open_qty for leg in self.legs)


class DayStats(Struct):
    """Money of one trade date in one book, USD."""

    gross_usd: Decimal = Decimal(0)
    """Of closed trades."""
    costs_usd: Decimal = Decimal(0)
    """Of every fill."""
    entries: int = 0
    """Plans opened."""
    trades: int = 0
    wins: int = 0
    won_usd: Decimal = Decimal(0)
    lost_usd: Decimal = Decimal(0)
    losses_in_a_row: int = 0
    equity: list[Decimal] = field(default_factory=list)
    """Net closed P&L after each trade."""
    peak_usd: Decimal = Decimal(0)
    max_drawdown_usd: Decimal = Decimal(0)

    def book_trade(self, trade: Trade) -> None:
        net = trade.net_usd
        self.gross_usd += trade.gross_usd
        self.trades += 1
        if net > 0:
            self.wins += 1
            self.won_usd += net
            self.losses_in_a_row = 0
        else:
            self.lost_usd -= net
            self.losses_in_a_row += 1
        total = self.won_usd - self.lost_usd
        self.equity.append(total)
        del self.equity[:-EQUITY_POINTS]
        self.peak_usd = max(self.peak_usd, total)
        self.max_drawdown_usd = max(self.max_drawdown_usd, self.peak_usd - total)


class Restriction(Struct, frozen=True):
    """A trading state other than ACTIVE, with its reason."""

    state: TradingState
    reason: str
    until: int | None = None


class BookState(Struct):
    book: str
    account: Account | None = None
    orders: dict[str, Order] = field(default_factory=dict)
    """By client id; finished ones are kept for the day."""
    venue_ids: dict[str, str] = field(default_factory=dict)
    plans: dict[str, PlanState] = field(default_factory=dict)
    """Open and closing ones."""
    positions: dict[str, Position] = field(default_factory=dict)
    fills_seen: set[str] = field(default_factory=set)
    last_fill_ts: int = 0
    trades: list[Trade] = field(default_factory=list)
    day: DayStats = field(default_factory=DayStats)
    flattening: dict[str, str] = field(default_factory=dict)
    """Instrument to the reason of a flatten that is not yet verified."""

    def position(self, instrument: str) -> Position:
        found = self.positions.get(instrument)
        if found is None:
            found = self.positions[instrument] = Position(instrument)
        return found

    def live_orders(self, instrument: str | None = None) -> list[Order]:
        return [
            order
            for order in self.orders.values()
            if order.live and (instrument is None or order.instrument == instrument)
        ]

    def order_of(self, venue_id: str | None, client_id: str | None) -> Order | None:
        if venue_id is not None and venue_id in self.venue_ids:
            return self.orders[self.venue_ids[venue_id]]
        return self.orders.get(client_id) if client_id is not None else None


class State(Struct):
    """Everything the journal knows."""

    instruments: dict[str, Instrument] = field(default_factory=dict)
    contracts: dict[str, str] = field(default_factory=dict)
    """Instrument to the name of its active contract."""
    books: dict[str, BookState] = field(default_factory=dict)
    trade_date: str = ""
    restrictions: dict[str, Restriction] = field(default_factory=dict)
    """By scope "book/instrument"; an empty part means all."""
    install: str = ""
    boot: int = 0
    issued: int = 0
    """Client ids given out in this boot."""
    last_ts: int = 0

    def book(self, name: str) -> BookState:
        found = self.books.get(name)
        if found is None:
            found = self.books[name] = BookState(name)
        return found

    def restriction(self, book: str, instrument: str) -> Restriction | None:
        """The strictest restriction over the scopes that cover this book and instrument."""
        found = [
            self.restrictions[key]
            for key in (
                scope(None, None),
                scope(book, None),
                scope(None, instrument),
                scope(book, instrument),
            )
            if key in self.restrictions
        ]
        return max(found, key=lambda r: r.state.rank, default=None)


def scope(book: str | None, instrument: str | None) -> str:
    """Key of a restriction."""
    return f"{book or ''}/{instrument or ''}"


def exit_reason(state: BookState, order: Order) -> str:
    """Why a fill of this order ends a trade: T1, T2, stop, be_stop, manual, flat_time, risk."""
    if order.instrument in state.flattening and order.slot is None:
        return state.flattening[order.instrument]
    if order.slot is Slot.TARGET:
        return f"T{order.leg + 1}"
    if order.slot is Slot.STOP:
        plan = state.plans.get(order.plan_id or "")
        moved = plan is not None and plan.plan.legs[order.leg].stop is not None
        return "be_stop" if moved else "stop"
    return "manual"


def plan_finished(plan: PlanState, orders: dict[str, Order]) -> bool:
    """Nothing open, nothing that could open.

    A leg that closed more than it had is over too: the position that it left is not this plan's any more.
    """
    if any(leg.open_qty > 0 for leg in plan.legs):
        return False
    for leg in plan.legs:
        entry = orders.get(leg.slots.get(Slot.ENTRY, ""))
        if entry is None and plan.plan.status is PlanStatus.OPEN:
            return False
        if any(orders[cid].live or orders[cid].status is OrderStatus.NEW for cid in leg.slots.values()):
            return False
    return True
