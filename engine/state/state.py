"""The state that survives a restart, and the one function that changes it: `apply(state, record)`.

`step` and start-up use the same function, so what a restart finds is what was there.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

from engine.model.instrument import ONE, Instrument, qty_text
from engine.model.orders import Account, OrderSpec, OrderStatus, Slot, Specified
from engine.model.plans import TradePlan
from engine.model.records import Carried, IdeaDeclined, IdeaRefused, OrderEvent, PlanOpened, ReverseBegun
from engine.model.restrictions import TradingState
from engine.state.alerts import AlertState
from engine.state.answers import Answered
from engine.state.days import BalanceMark, DayResult, DayStats
from engine.state.legs import LegState
from engine.state.live_results import LiveResults
from engine.state.opinions import OpinionState
from engine.state.order_table import next_status
from engine.state.position import Closing, Position, Trade
from engine.state.track_record import TrackRecord
from engine.strategies.learning import Tally

TRADES_KEPT = 10_000


class Inferred(Struct, frozen=True):
    """A fill that we concluded from the venue's word, without having been told of it."""

    qty: int
    price: int
    cost_usd: Decimal
    ts: int
    """Its assumed time at the venue."""
    known_ts: int
    """When it was concluded, or later: it was executed by then."""


class Order(Specified, Struct):
    """An order of ours (or adopted) and where it stands."""

    client_id: str
    book: str
    instrument: str
    spec: OrderSpec
    """As it stands: what the venue has changed is changed."""
    plan_id: str | None
    leg: int
    slot: Slot | None
    created_ts: int
    status: OrderStatus = OrderStatus.NEW
    venue_id: str | None = None
    filled_qty: int = 0
    suspended: bool = False
    changed_ts: int = 0
    venue_ts: int = 0
    cancel_wanted: bool = False
    reason: str = ""
    inferred: list[Inferred] = field(default_factory=list)
    """Those of its fills that were concluded and not told yet, oldest first."""
    fee_base: Decimal = Decimal(0)
    """What fees have taken out of the coins that it bought."""

    def after(self, event: OrderEvent, filled_qty: int | None = None) -> OrderStatus | None:
        """The state after an event, or None where the pair makes no sense: an anomaly."""
        return next_status(
            self.status,
            event,
            self.filled_qty if filled_qty is None else filled_qty,
            self.qty,
            acknowledged=self.venue_id is not None,
            cancel_wanted=self.cancel_wanted and event is not OrderEvent.REQUEST_REFUSED,
        )

    @property
    def live(self) -> bool:
        """Stands at the venue, or may."""
        return self.status.live

    @property
    def stands(self) -> bool:
        """Known to be at the venue, and to act there: as a stop it protects."""
        known = self.venue_id is not None and self.status is not OrderStatus.UNKNOWN
        return known and self.status.live and not self.suspended

    @property
    def unacknowledged(self) -> bool:
        """Sent, perhaps called back since, and neither answered nor told of."""
        return self.venue_id is None and self.status in (OrderStatus.SENT, OrderStatus.PENDING_CANCEL)

    @property
    def open_qty(self) -> int:
        return self.spec.qty - self.filled_qty

    @property
    def inferred_qty(self) -> int:
        return sum(one.qty for one in self.inferred)


class Dust(Struct):
    """What was left of a coin: lots, and what the trades that left them have counted them at, USD. Negative
    where more was sold, as two exits of one trade may both fill.
    """

    qty: int = 0
    worth_usd: Decimal = Decimal(0)


class PlanState(Struct):
    plan: TradePlan
    legs: list[LegState]
    fostered: bool = False
    """Its contracts were opened by somebody else."""
    shared: bool = False
    """Another plan stood beside it in its instrument: its result is that of its own fills."""
    credited: bool = False
    """Of its result is counted already what its position came to each time that it was flat."""
    credited_usd: Decimal = Decimal(0)
    """So much, net."""
    credited_today_usd: Decimal = Decimal(0)
    """What of that is of this trade date."""
    before_usd: Decimal = Decimal(0)
    """What of its own result belongs to earlier trade dates, net."""

    @property
    def open_qty(self) -> int:
        return sum(leg.open_qty for leg in self.legs)


class Restriction(Struct, frozen=True):
    """A trading state other than ACTIVE, with its reason."""

    state: TradingState
    reason: str
    until: int | None = None
    guard: str = ""
    """Which guard set it and will end it; empty for people."""
    trades_stay: bool = False
    """Of a lock: open trades run on."""
    basis: str = ""
    """Of a lock without an end: the configuration that it rests on."""
    by: str = ""
    """Where the command of the person who set it came from; empty where no person did."""

    def replaces(self, standing: Restriction) -> bool:
        """Whether this may stand where that did, in the same scope: it never gets weaker, nor shorter."""
        if self.state is not TradingState.LOCKED or standing.state is not TradingState.LOCKED:
            return self.state.rank >= standing.state.rank
        if self.trades_stay is not standing.trades_stay:
            return standing.trades_stay
        return standing.until is not None and (self.until is None or self.until > standing.until)


class TradingDay(Struct, frozen=True):
    """A trade date of a calendar."""

    trade_date: str = ""
    """ISO; empty before the first."""
    open_ts: int = 0
    """When it began, nanoseconds UTC; 0 before the first."""


NO_DAY = TradingDay()


class BookState(Struct):
    book: str
    calendar: str = "cme"
    """By which its days go."""
    account: Account | None = None
    venue: str = ""
    """Where the account is, by the name of the settings of the run that adopted it."""
    orders: dict[str, Order] = field(default_factory=dict)
    """By client id; finished ones are kept for the day."""
    unfinished: list[str] = field(default_factory=list)
    """Client ids of those that are not over, oldest first: few, where a day has many."""
    venue_ids: dict[str, str] = field(default_factory=dict)
    plans: dict[str, PlanState] = field(default_factory=dict)
    """Open and closing ones."""
    positions: dict[str, Position] = field(default_factory=dict)
    fills_seen: set[str] = field(default_factory=set)
    last_fill_ts: int = 0
    closings: dict[str, Closing] = field(default_factory=dict)
    """What the newest fills that closed contracts have earned, by trade id, oldest first."""
    trades: list[Trade] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    """What a person has said of trades, by their keys, the newest notes last."""
    earned_usd: Decimal = Decimal(0)
    """Net of all trades that were ever finished, USD; the list above keeps the newest only."""
    day: DayStats = field(default_factory=DayStats)
    days: list[DayResult] = field(default_factory=list)
    """Trade dates that are over, oldest first."""
    peak_usd: Decimal = Decimal(0)
    """Highest total of all days, what was open included, counted as this trade date's total is: from 0 on."""
    carried: dict[str, Carried] = field(default_factory=dict)
    """Instrument to what earlier days have booked of the trade that is open there."""
    balance: BalanceMark | None = None
    """End-of-day balances, for the trailing floor."""
    held_months: dict[str, str] = field(default_factory=dict)
    """Instrument to the name of the contract that a position was opened in, where another is active now."""
    held_ids: dict[str, str] = field(default_factory=dict)
    """The same to that contract's id at the venue."""
    dust: dict[str, Dust] = field(default_factory=dict)
    """By instrument, what was left of a coin and is too little to be sold: no position any more."""
    flattening: dict[str, str] = field(default_factory=dict)
    """Instrument to the reason of a flatten that is not yet verified."""
    brackets: bool = True
    """The account takes native brackets, as far as it has not refused them."""
    records: dict[str, TrackRecord] = field(default_factory=dict)
    """How the trades of each bot and alert room have ended, by name."""
    room_usd: dict[str, Decimal] = field(default_factory=dict)
    """Net P&L by the closed trades of each alert room, this trade date."""
    bot_usd: dict[str, Decimal] = field(default_factory=dict)
    """The same of each bot."""
    bot_entries: dict[str, int] = field(default_factory=dict)
    """Plans that each bot has opened, this trade date."""
    bot_entered_ts: dict[str, int] = field(default_factory=dict)
    """When a bot last opened a plan in an instrument (`bot_key`), nanoseconds UTC."""
    results: dict[str, LiveResults] = field(default_factory=dict)
    """Of each bot that a backtest speaks for, by name."""

    def at(self, venue: str) -> bool:
        """Whether what is told of a venue concerns it; an empty name, on either side, stands for all."""
        return not venue or self.venue in ("", venue)

    def position(self, instrument: str) -> Position:
        """To look at, never to change: what was never traded is a flat one of its own."""
        return self.positions.get(instrument) or Position(instrument)

    def kept_position(self, instrument: str) -> Position:
        """To change, by folds alone."""
        return self.positions.get(instrument) or self.positions.setdefault(instrument, Position(instrument))

    def held(self) -> list[Position]:
        return [position for position in self.positions.values() if position.qty]

    def shares(self, instrument: str) -> int:
        """Signed contracts of the plans in an instrument."""
        plans = (found for found in self.plans.values() if found.plan.instrument == instrument)
        return sum(found.open_qty * found.plan.side.sign for found in plans)

    def live_orders(self, instrument: str | None = None) -> list[Order]:
        orders = [self.orders[client_id] for client_id in self.unfinished]
        return [o for o in orders if o.status.live and (instrument is None or o.instrument == instrument)]

    def shelve(self, order: Order) -> None:
        """An order that is over is looked for no more among the live ones; by folds alone."""
        if order.status.terminal and order.client_id in self.unfinished:
            self.unfinished.remove(order.client_id)

    def order_of(self, venue_id: str | None, client_id: str | None) -> Order | None:
        if venue_id is not None and venue_id in self.venue_ids:
            return self.orders[self.venue_ids[venue_id]]
        return self.orders.get(client_id) if client_id is not None else None


class State(Struct):
    """Everything the journal knows."""

    instruments: dict[str, Instrument] = field(default_factory=dict)
    contracts: dict[str, str] = field(default_factory=dict)
    """The names of active contracts, by `month_key`."""
    books: dict[str, BookState] = field(default_factory=dict)
    contract_ids: dict[str, str] = field(default_factory=dict)
    """Their ids at the venue, by `month_key`."""
    days: dict[str, TradingDay] = field(default_factory=dict)
    """The newest one of each calendar that the books' days have gone by."""
    restrictions: dict[str, Restriction] = field(default_factory=dict)
    """By scope "book/instrument"; an empty part means all."""
    install: str = ""
    boot: int = 0
    issued: int = 0
    """Client ids given out in this boot."""
    alerts: dict[str, AlertState] = field(default_factory=dict)
    """The newest messages of alert rooms by origin, oldest first."""
    room_trades: dict[str, int] = field(default_factory=dict)
    """Alerts traded by room, this trade date."""
    reversing: dict[str, ReverseBegun] = field(default_factory=dict)
    """By scope "book/instrument", what is to be entered once what is held there is closed."""
    answers: dict[str, Answered] = field(default_factory=dict)
    """What the newest orders by hand came to, by the command's id, oldest first."""
    stopped_bots: dict[str, str] = field(default_factory=dict)
    """Bots that are stopped, by name, and by whom: where a command came from, or its backtest."""
    experience: dict[str, Tally] = field(default_factory=dict)
    """How patterns have ended, by `PatternKey.text`."""
    taught: dict[str, None] = field(default_factory=dict)
    """The newest patterns that were learned from, oldest first."""
    signals: list[IdeaRefused | IdeaDeclined | PlanOpened] = field(default_factory=list)
    """What was nearly traded, refused or entered of late, oldest first."""
    opinions: OpinionState = field(default_factory=OpinionState)
    last_ts: int = 0
    clock_set_ns: int = 0
    """By how much the machine's clock was set, or was ahead of the last record at a start, since anything
    confirmed it; negative is back.
    """

    def book(self, name: str) -> BookState:
        """To look at, never to change: a book that nothing is known of is an empty one of its own."""
        return self.books.get(name) or BookState(name)

    def kept_book(self, name: str) -> BookState:
        """To change, by folds alone."""
        return self.books.get(name) or self.books.setdefault(name, BookState(name))

    def month(self, instrument: str, venue: str = "") -> tuple[str, str]:
        """Id and name of an instrument's active contract at a venue (any, where none is named); empty where
        it is not known. One that was written down without a venue is that of all.
        """
        for key in (month_key(venue, instrument), instrument):
            if key in self.contract_ids:
                return self.contract_ids[key], self.contracts[key]
        if not venue:
            for key, found in self.contract_ids.items():
                if key.partition("/")[2] == instrument:
                    return found, self.contracts[key]
        return "", ""

    def month_ids(self, venue: str) -> dict[str, str]:
        """By instrument, the ids of the active contracts at a venue."""
        known = {key: found for key, found in self.contract_ids.items() if "/" not in key}
        start = month_key(venue, "")
        return known | {
            key.removeprefix(start): found
            for key, found in self.contract_ids.items()
            if key.startswith(start) and start
        }

    def day_of(self, book: BookState) -> TradingDay:
        """The trade date of a book; an empty one before the first."""
        return self.days.get(book.calendar, NO_DAY)

    def restriction(self, book: str, instrument: str) -> Restriction | None:
        """The strictest restriction over the scopes that cover this book and instrument."""
        return max(self.restrictions_of(book, instrument), key=lambda r: r.state.rank, default=None)

    def counts(self, book: BookState, instrument: str) -> bool:
        """Whether its money is in the currency of a book: what is in another is in no sum of the book's."""
        own = book.account.currency if book.account is not None else ""
        return not own or self.instruments[instrument].currency == own

    def quantity(self, instrument: str, lots: int, *, signed: bool = False) -> str:
        """So many lots as people write them: "2", "0.0137"."""
        known = self.instruments.get(instrument)
        return qty_text(lots, ONE if known is None else known.lot_size, signed=signed)

    def restrictions_of(self, book: str, instrument: str) -> list[Restriction]:
        """All restrictions over the scopes that cover this book and instrument."""
        keys = scope(None, None), scope(book, None), scope(None, instrument), scope(book, instrument)
        return [self.restrictions[key] for key in keys if key in self.restrictions]


def month_key(venue: str, instrument: str) -> str:
    """Under which an active contract is kept: old journals, and runs of one venue, name none."""
    return f"{venue}/{instrument}" if venue else instrument


def bot_key(bot: str, instrument: str) -> str:
    """Key of what is known of a bot in an instrument."""
    return f"{bot}/{instrument}"


def scope(book: str | None, instrument: str | None) -> str:
    """Key of a restriction."""
    return f"{book or ''}/{instrument or ''}"
