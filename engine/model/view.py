"""The picture of the engine that people look at: immutable, serialisable, the same for screen and socket.

Prices here are Decimals in price units, unless a field says ticks; money is USD net of costs unless a
field says gross. Times are nanoseconds UTC of the engine's clock.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.alerts import Grade, Reason, Verdict
from engine.model.chart import AlignmentView
from engine.model.events import AlertKind, LinkState
from engine.model.market import Side
from engine.model.notices import Notice
from engine.model.orders import AccountKind, AccountStage, Margin, OrderStatus, OrderType, Slot
from engine.model.playing import PlayingView
from engine.model.rates import StatedRate
from engine.model.refusals import Refusal
from engine.model.reload import LooseningView
from engine.model.restrictions import RestrictionView, TradingState
from engine.model.view_bots import BacktestView as BacktestView
from engine.model.view_bots import BotResult as BotResult
from engine.model.view_bots import BotView as BotView
from engine.model.view_flatten import ClosingView as ClosingView
from engine.model.view_flatten import FlattenStep as FlattenStep
from engine.model.view_flatten import FlattenView as FlattenView
from engine.model.view_limits import Band as Band
from engine.model.view_limits import EquityPoint as EquityPoint
from engine.model.view_limits import EquityView as EquityView
from engine.model.view_limits import LimitView as LimitView
from engine.model.view_opinion import OpinionView as OpinionView
from engine.model.view_performance import ComponentView as ComponentView
from engine.model.view_performance import PerformanceView as PerformanceView
from engine.model.view_performance import ProcessView as ProcessView
from engine.model.view_performance import RuinView as RuinView
from engine.model.view_signals import PatternView, SignalView
from engine.model.view_standing import StandingView


class SessionPhase(StrEnum):
    RTH = "RTH"
    """Regular (cash) hours, 08:30 to 15:00 Chicago time."""
    ETH = "ETH"
    OPEN = "open"
    """A market without sessions."""
    CLOSED = "closed"


class SessionView(Struct, frozen=True):
    """Where one calendar's day stands (docs/semantics.md#sessions-and-trade-dates)."""

    trade_date: str
    """ISO date of the trading day."""
    phase: SessionPhase
    exchange_clock: str
    """HH:MM:SS on the calendar's wall, like all times here."""
    flat_by: str
    """HH:MM: positions must be flat by then; empty where they never have to be."""
    zone: str = "America/Chicago"
    """Of that wall."""
    clock_mark: str = "CT"
    """What stands behind its times."""
    rolls: str = "17:00"
    """HH:MM: when a trade date begins; after noon it is that of the next day."""
    opens: str = "08:30"
    """HH:MM: when the regular hours begin; empty where there are none."""


class LinkView(Struct, frozen=True):
    name: str
    state: LinkState
    detail: str = ""
    since: int = 0
    """When it came into this state, nanoseconds UTC."""
    until: int = 0
    """Of the token: when it expires; 0 where nothing expires."""
    book: str = ""
    """Whose it is, where it is one book's alone; empty for what all share."""
    needed: bool = True
    """Trading needs it. Without the others nothing new is read, and everything else goes on."""
    tries: int = 0
    """Since it is not live: how often it has been tried again; where nobody counts 0."""
    venue: str = ""
    """To which venue it goes, by the name of the settings; empty for a room's, and where nobody says."""
    used: int = 0
    """Of the REST interface: requests sent within the last period."""
    allowed: int = 0
    """How many requests a period may have; 0 where nobody counts."""
    delayed: bool = False
    """Of the market: its prices come late, and are meant to."""


class ContractView(Struct, frozen=True):
    instrument: str
    name: str
    """With its month, as people write it: "MNQZ6"."""
    description: str
    tick_size: Decimal
    tick_value_usd: Decimal
    decimals: int
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    change: Decimal | None
    """Since the previous settlement or, where that is unknown, the session's open; price units."""
    age_ns: int | None
    """Time since the last quote or print; None before the first."""
    stale: bool
    state: TradingState
    position_qty: int
    """Signed, in this month, over the books of the View's mode: play money never counts beside real money."""
    flattening: bool = False
    paper_qty: int = 0
    """Signed, of the paper book, where that is not the mode."""
    closes: tuple[int, ...] = ()
    """The newest eight closes of minutes, ticks, oldest first; that of the forming minute is the last."""
    against: tuple[Refusal, ...] = ()
    """What stands against any entry in it now, in that of the mode's books which has the least; empty where
    one could pass. Trades that are open already do not count."""
    source: str = ""
    """The venue whose prices count now; empty where any venue's do."""
    lot_size: Decimal = Decimal(1)
    """What one lot is: quantities here are whole lots, people read contracts, shares and coins."""
    currency: str = "USD"
    calendar: str = "cme"
    """Whose sessions and trade dates it has; a key of `View.sessions`."""
    delayed: bool = False
    """Its prices come late, and are meant to: no real account is entered on them unless it is told to."""


class PositionView(Struct, frozen=True):
    book: str
    kind: AccountKind
    instrument: str
    qty: int
    """Signed."""
    entry: Decimal
    """Average of the open side."""
    mark: Decimal | None
    """What it could be closed at: bid for longs, ask for shorts."""
    open_usd: Decimal
    """Unrealized, gross."""
    open_ticks: Decimal
    """How far the price has gone since the entry, whatever is held: in ticks, below zero against it."""
    mae_usd: Decimal
    """Worst mark since the entry, USD, zero or negative."""
    mfe_usd: Decimal
    stop: Decimal | None
    """Nearest working stop."""
    targets: tuple[Decimal, ...]
    protected_qty: int
    """Contracts that a working stop covers."""
    strategy: str
    opened_ts: int
    contract: str = ""
    """The month that it is held in, as people write it: "MNQZ6"; after a roll not the active one."""
    risk_usd: Decimal | None = None
    """What would be lost from the mark to its stops, the costs of getting out included; None where stops do
    not cover all of it."""
    r_now: Decimal | None = None
    """What the trade would have made if it were closed now, net of all costs, in units of what it risked at
    its first stops; None where nobody knows that."""
    plan: str = ""
    """Id of the trade that opened it; empty where none of ours did."""


class OrderView(Struct, frozen=True):
    book: str
    kind: AccountKind
    client_id: str
    venue_id: str | None
    instrument: str
    side: Side
    type: OrderType
    slot: Slot
    qty: int
    filled_qty: int
    price: Decimal | None
    status: OrderStatus
    suspended: bool
    ts: int
    contract: str = ""
    """Its month, as people write it."""
    plan: str = ""
    """Id of the trade that it belongs to."""
    strategy: str = ""
    """Whose trade that is; "manual" of a person's."""


class TradeView(Struct, frozen=True):
    """One finished trade, flat to flat."""

    book: str
    instrument: str
    side: Side
    qty: int
    entry: Decimal
    exit: Decimal
    gross_usd: Decimal
    costs_usd: Decimal
    net_usd: Decimal
    reason: str
    opened_ts: int
    closed_ts: int
    kind: AccountKind = AccountKind.LIVE
    key: str = ""
    """Its name in the journal's pages (engine.model.review)."""
    note: str = ""
    """What a person has to say of it."""


class BookView(Struct, frozen=True):
    book: str
    kind: AccountKind
    account: str
    balance_usd: Decimal | None
    state: TradingState
    realized_usd: Decimal
    """Of this trade date, net of costs."""
    open_usd: Decimal
    costs_usd: Decimal
    """Of this trade date."""
    day_usd: Decimal
    """realized + open."""
    daily_loss_limit_usd: Decimal
    trades: int
    wins: int
    max_trades: int
    profit_factor: float | None
    max_drawdown_usd: Decimal
    """Deepest fall of the day's total P&L from its high, at every event, open positions at the mark."""
    reconciled: bool
    restriction: RestrictionView | None = None
    """What `state` comes of; None while it is ACTIVE."""
    flatten: FlattenView | None = None
    """The flatten under way; None while there is none."""
    limits: tuple[LimitView, ...] = ()
    """Every limit that is set, the nearest to being hit first."""
    brackets: bool = True
    """Protection is native brackets; else orders of our own."""
    stage: AccountStage | None = None
    """Of a firm's account; None for play money, and where nobody knows."""
    preset: str = ""
    """Where the firm's limits come from: "topstep_50k (guessed from the account's name)"; empty for none."""
    curve: EquityView = EquityView()
    venue: str = ""
    """Where it trades, by the name of the settings; empty for the only one there is, and for paper."""
    currency: str = "USD"
    """Of every amount of the book, whatever its field is called."""
    dust: tuple[str, ...] = ()
    """What was left of coins and is too little to be sold, no position: "0.0010 ETHUSDT, 3.01 USD"."""
    copy_ratio: Decimal = Decimal(1)
    """What the sized quantity is multiplied by here."""
    calendar: str = "cme"
    """By which its days go; a key of `View.sessions`."""
    standing: StandingView | None = None
    """What can happen in it now; None where nobody says."""
    margin: Margin = Margin()
    """What its trades tie up, and what is left; unknown where neither the venue nor a table tells."""


class AlertFate(Struct, frozen=True):
    """What came of a message in one book."""

    book: str
    qty: int
    """Contracts that its newest entry asks for; 0 where none was made."""
    entered: int = 0
    """Contracts that were filled."""
    closed: bool = False
    refusals: tuple[str, ...] = ()
    """Why the book's gate refused it, as sentences."""
    sent_ns: int | None = None
    """From the message's being posted to this book's first order on its way; None where none was sent."""
    answered_ns: int | None = None


class AlertView(Struct, frozen=True):
    """One message of an alert room, by its newest revision. `excerpt` is text from outside."""

    room: str
    message_id: str
    ts: int
    """When it was first read here, nanoseconds UTC of the engine's clock."""
    posted_ts: int
    kind: AlertKind
    verdict: Verdict
    reason: Reason | None
    text: str
    """The verdict's reason as a sentence, ours; empty where there is nothing to say."""
    excerpt: str
    instrument: str = ""
    """That is traded for it; empty where the text says no trade."""
    side: Side | None = None
    entry: Decimal | None = None
    """As the room gave it, like the other prices; None where the text says no trade."""
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    """Nearest first."""
    grade: Grade | None = None
    fates: tuple[AlertFate, ...] = ()
    """What came of it in each book."""


class HealthView(Struct, frozen=True):
    ok: bool
    detail: str = ""
    journal_seq: int = 0
    inbox: int = 0
    wait_p99_ms: float = 0.0
    """How long events waited in the inbox lately."""
    dropped: int = 0
    prints: int = 0
    """Market prints taken in since the start."""
    counts: dict[str, int] = {}
    """Oddities survived since the start, by name: "duplicate fills", "anomalies", "overfills", ..."""
    stopped: bool = False
    """There is no engine any more, and nothing takes commands. Whatever else is wrong, closes go out."""
    components: tuple[ComponentView, ...] = ()
    """What has to work: the engine, the journal, each venue, the rooms, what runs beside it, the disk."""
    process: ProcessView | None = None
    """None where nobody measures it."""


class View(Struct, frozen=True):
    """The core picture. Charts are asked for one by one (`EngineHandle.chart`); they are far larger."""

    version: int
    """Grows with every View built; equal versions are equal pictures."""
    ts: int
    mode: AccountKind
    """The strictest of all books: any live book makes it LIVE."""
    venue: str
    practice_time: bool
    session: SessionView
    """The futures' where there are any, else that of the first contract's calendar."""
    links: tuple[LinkView, ...]
    contracts: tuple[ContractView, ...]
    books: tuple[BookView, ...]
    positions: tuple[PositionView, ...]
    orders: tuple[OrderView, ...]
    trades: tuple[TradeView, ...]
    alignment: dict[str, AlignmentView]
    notices: tuple[Notice, ...]
    """The newest some hundred, oldest first."""
    health: HealthView
    strategy: str = ""
    """What runs, by name."""
    uptime_ns: int = 0
    alerts: tuple[AlertView, ...] = ()
    """The newest fifty, oldest first."""
    restrictions: tuple[RestrictionView, ...] = ()
    """Everything that holds entries back now, in any book and contract, the strictest first; where there is
    nothing for a book and a contract, an entry there could pass.
    """
    sessions: dict[str, SessionView] = {}
    """Where there are several calendars, where each stands."""
    replay: str = ""
    """At which pace a recording is played, as in "×8", or that it has ended; empty where it is no replay."""
    signals: tuple[SignalView, ...] = ()
    """What was nearly traded, refused or entered of late, oldest first: with reasons, and what came of it."""
    patterns: tuple[PatternView, ...] = ()
    """What was learned of patterns, the most outcomes first."""
    bots: tuple[BotView, ...] = ()
    """Strategy instances in the order of the settings; empty where there is one without a name of its own."""
    told_in: str = "America/Chicago"
    """Time zone of every time that does not belong to one contract."""
    told_mark: str = "CT"
    """What stands behind such a time."""
    rates: tuple[StatedRate, ...] = ()
    """By which money of other currencies than USD may be shown as one, of those that are known."""
    performance: tuple[PerformanceView, ...] = ()
    """Of each book, renewed with its trades and at most once a minute."""
    playing: PlayingView | None = None
    """Where a replay stands; None where it is none."""
    opinion: OpinionView | None = None
    """The second opinion; None where none is wanted."""
    standing: StandingView | None = None
    """What can happen now over all contracts and the books of the mode; None where nobody says."""
    loosening: LooseningView | None = None
    """Limits on live accounts that a reload would loosen, and that nobody has agreed to yet."""
