"""What the engine is told before it starts. Plain values: the front door turns settings into these."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.alerts import Grade
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS


class TradingSwitch(StrEnum):
    """What the engine may do with money. Off by default outside the practice venue."""

    OFF = "off"
    PAPER = "paper"
    LIVE = "live"


class Brackets(StrEnum):
    """Who keeps stops and targets: the venue with native brackets, or orders of our own."""

    AUTO = "auto"
    """Native, until the account refuses them once; that is remembered over restarts."""
    NATIVE = "native"
    """Native again: forgets at start what AUTO has remembered (the account's setting was switched back)."""
    OWN = "own"


class ForeignPositions(StrEnum):
    """What happens to contracts in a traded instrument that no trade of tstream opened."""

    PROTECT = "protect"
    """They get a stop, unless stops at the venue cover them already."""
    LEAVE = "leave"
    FLATTEN = "flatten"


class SingleContract(StrEnum):
    """What one contract, which can't be split over two targets, does at the first
    (docs/semantics.md#odd-quantities).
    """

    T1 = "t1"
    """It leaves there."""
    HOLD = "hold"
    """Its stop goes to break-even, and it is held for the second."""


class RiskLimits(Struct, frozen=True):
    """A person's own limits and the firm's. Amounts in USD, per book.

    A limit of 0 is off. Of the firm's numbers None means: as the account's preset has it.
    """

    risk_per_trade_usd: Decimal = Decimal(200)
    max_contracts: int = 5
    """Per trade."""
    max_open_trades: int = 6
    """At a time, all contracts together."""
    max_trades: int = 40
    """Per trade date."""
    max_losses_in_a_row: int = 0
    """Of one trade date; after so many no more entries until the next."""
    daily_loss_usd: Decimal = Decimal(800)
    """A person's own: net loss of a trade date, open positions and costs included."""
    account_preset: str = "auto"
    """Name of a preset of engine.risk.presets, "none", or "auto": guessed from the account's name."""
    firm_daily_loss_usd: Decimal | None = None
    """The firm's daily loss limit; the stricter of the two counts."""
    max_loss_usd: Decimal | None = None
    """Distance of the trailing floor (maximum loss limit)."""
    start_balance_usd: Decimal | None = None
    """What the account began with, as the venue counts its balance; None takes it from preset and balance."""
    high_balance_usd: Decimal | None = None
    """Highest end-of-day balance before tstream watched the account."""
    floor_fixed: bool = False
    """The floor stands at the starting balance for good (after a payout)."""
    max_minis: int | None = None
    """Most contracts held or being entered at a time, all products together; ten micros are one mini."""
    minis_by_profit: tuple[tuple[Decimal, int], ...] | None = None
    """(Profit at the end of the day before, most minis), ascending; the last one reached counts."""
    warn_percent: int = 50
    reduce_percent: int = 80
    act_percent: int = 95
    """Bands of each money limit: a notice, no more entries, flat and locked."""
    reward_to_risk_min: float = 1.5
    min_score_tenths: int = 60
    slippage_ticks: int = 1
    """Assumed when sizing, per side."""
    stale_ns: int = 30 * NANOS
    no_entry_before_flat_ns: int = 15 * MINUTE
    """No entry this long before positions must be flat."""
    flatten_before_flat_ns: int = 5 * MINUTE
    """Everything is flattened this long before the venue's own cut-off."""
    must_be_flat: bool = True
    """Whether positions have to be closed before the cut-off at all."""
    reduce_on_unknown_days: bool = True
    """No entries on trade dates whose holidays are not known."""
    expiry_days: int = 2
    """No entries in a contract so many days before its last day, or later."""
    break_even_after_first_target: bool = True
    break_even_offset_ticks: int | None = None
    """How far beyond the average entry break-even is; None takes the ticks that pay for both sides."""
    trail_ticks: int = 0
    """Distance at which a stop follows the best mark; 0 leaves stops alone."""
    trail_after_r: float = 0.0
    """Trailing begins once a trade has been this many times its initial risk in profit."""
    single_contract: SingleContract = SingleContract.T1
    foreign_positions: ForeignPositions = ForeignPositions.PROTECT
    hours_start: str = ""
    """HH:MM in `hours_zone`; empty means around the clock."""
    hours_end: str = ""
    hours_zone: str = "UTC"


class AfterFill(StrEnum):
    """What an edit of an alert does to the trade that is open for it."""

    IGNORE = "ignore"
    TIGHTEN = "tighten"
    """Its stop follows where that is tighter, its targets wherever they go."""


class SizePolicy(StrEnum):
    """How many contracts a trade is begun with, before the limits make it smaller
    (docs/semantics.md#sizers).
    """

    GRADE = "grade"
    """The number that its letter stands for."""
    RISK = "risk"
    """What may be lost by a trade, over what one contract loses at the stop."""
    EQUITY = "equity"
    """The same with a share of the account's equity."""
    NOTIONAL = "notional"
    """An amount of the contract's worth."""


class Sizing(Struct, frozen=True):
    """A size policy with what it needs to know. Each is an upper bound: every risk limit still holds."""

    policy: SizePolicy = SizePolicy.RISK
    equity_percent: Decimal = Decimal(1)
    """Of the equity, lost at the stop at most."""
    notional_usd: Decimal = Decimal(0)
    kelly_percent: int = 0
    """Of the Kelly fraction (25 is a quarter Kelly) as a cap on any policy; 0 is off."""
    confidence_least: Decimal | None = None
    """Share of the size that a trade of no confidence gets, up to all of it at full; None is off."""


class GradeSizes(Struct, frozen=True):
    """Contracts by letter. C is the base; where nothing else is said B is twice and A three times it."""

    c: int = 1
    b: int | None = None
    a: int | None = None

    def contracts(self, grade: Grade) -> int:
        b = self.b if self.b is not None else 2 * self.c
        a = self.a if self.a is not None else 3 * self.c
        return {Grade.A: a, Grade.B: b, Grade.C: self.c}[grade]


class AlertRoom(Struct, frozen=True):
    """One room of alerts. Points are price units of the room's contract; a limit of 0 is off."""

    name: str
    contracts: dict[str, str]
    """The room's contract to the one that is traded for it: {"ES": "MES"}. Both on the same tick grid."""
    parser: str = "futures-room"
    variants: bool = False
    """Also take the looser forms, with targets and size in the text."""
    sizes: GradeSizes = GradeSizes()
    default_size: int | None = None
    """Contracts of an alert without a letter; None refuses it."""
    sizing: Sizing = Sizing(SizePolicy.GRADE)
    targets: tuple[Decimal, ...] = (Decimal(7), Decimal(12))
    """Points from the alert's entry, nearest first, where its text gives no targets."""
    stop_nearest: Decimal = Decimal(2)
    stop_farthest: Decimal = Decimal(50)
    """Points between entry and stop."""
    entry_distance: Decimal = Decimal(5)
    """Points that the market's price may be from the alert's entry."""
    max_age_ns: int = MINUTE
    """Since the message was posted; older ones are never traded."""
    price_age_ns: int = 10 * NANOS
    """The market's price must be no older than this."""
    repeat_ns: int = MINUTE
    """The same trade in another message within this time is the same alert, by another path."""
    books: tuple[str, ...] = ()
    """That follow the room; empty means all."""
    max_trades: int = 0
    """Alerts traded per trade date, all books together."""
    max_loss_usd: Decimal = Decimal(0)
    """Net loss by the room's trades per trade date and book."""
    reward_to_risk_min: float = 0.0
    """At the first target. Scores are the strategies', and are not asked of alerts."""
    after_fill: AfterFill = AfterFill.IGNORE

    def follows(self, book: str) -> bool:
        """Whether the book trades this room."""
        return not self.books or book in self.books


class PaperConfig(Struct, frozen=True):
    """A paper book beside the venue's books: the same ideas, play money, fills by the engine's own venue."""

    balance_usd: Decimal = Decimal(50_000)
    """What it began with."""
    latency_ns: int = 50 * (NANOS // 1000)
    """From placing an order to its being in the market."""
    slippage_ticks: int = 1
    """How much worse than the touch, or than a stop's trigger, a fill is."""
    commission_usd: Decimal | None = None
    """Broker's commission per contract and side; None takes each contract's own."""
    risk: RiskLimits | None = None
    """Its own limits; None takes those of the run."""


class EngineConfig(Struct, frozen=True):
    """One engine run."""

    instruments: tuple[Instrument, ...]
    venue: str
    """As the status bar names it."""
    install: str
    """Names this installation in client ids, so that a lost database can't repeat one."""
    boot: int
    """Counts starts of this installation."""
    trading: TradingSwitch = TradingSwitch.OFF
    armed_accounts: tuple[str, ...] = ()
    """Names of live accounts that a person has armed by typing them."""
    practice_time: bool = False
    books: tuple[str, ...] = ()
    """Names of the books that this run serves, known before their accounts are."""
    risk: RiskLimits = RiskLimits()
    paper: PaperConfig | None = None
    """The paper book of this run; None where there is none."""
    bar_grace_ns: int = NANOS
    """A minute closes this long after its end at the latest (docs/semantics.md#bars)."""
    bracket_grace_ns: int = 2 * NANOS
    """A filled entry whose protection is not seen by then gets a stop of our own."""
    brackets: Brackets = Brackets.AUTO
    unknown_checks: int = 3
    unknown_after_ns: int = 15 * NANOS
    """An order whose outcome is unknown counts as lost after so many checks over so long."""
    slow_cycle_ns: int = MINUTE
    """Positions and orders are compared with the venue this often."""
    rooms: tuple[AlertRoom, ...] = ()
    """Alert rooms that are traded."""
