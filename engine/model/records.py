"""What the journal holds: decisions and facts. The state of all books is the fold of these.

Every record is one JSON object with its tag and version. A field may be added with a default; anything
else needs a new version and a migration in `migrate`.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Struct, field

from engine.model.alerts import Reason, Terms, Verdict
from engine.model.commands import AnyCommand, ReverseManual
from engine.model.errors import JournalError
from engine.model.events import AlertKind
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.old_records import migrate
from engine.model.opinion_records import MoodHeard as MoodHeard
from engine.model.opinion_records import OpinionFormed as OpinionFormed
from engine.model.opinion_records import OpinionScored as OpinionScored
from engine.model.opinion_records import PredictorChanged as PredictorChanged
from engine.model.order_records import FillApplied as FillApplied
from engine.model.order_records import FillSettled as FillSettled
from engine.model.order_records import OrderAdopted as OrderAdopted
from engine.model.order_records import OrderEvent as OrderEvent
from engine.model.order_records import OrderIntended as OrderIntended
from engine.model.order_records import OrderMoved as OrderMoved
from engine.model.orders import Account
from engine.model.plans import Idea, Leg, PlanStatus, TradePlan, Trail
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from engine.model.run_records import VERSION as VERSION
from engine.model.run_records import BotOut as BotOut
from engine.model.run_records import BotSwitched as BotSwitched
from engine.model.run_records import ClockFound as ClockFound
from engine.model.run_records import LooseningAnswered as LooseningAnswered
from engine.model.run_records import Record as Record
from engine.model.run_records import RecordsLost as RecordsLost
from engine.model.run_records import RunStarted as RunStarted
from engine.model.run_records import SettingsChanged as SettingsChanged
from engine.model.signal_records import IdeaDeclined as IdeaDeclined
from engine.model.signal_records import PatternEnded as PatternEnded
from engine.model.verdicts import OrderVerdict


class ContractKnown(Record, frozen=True, kw_only=True, tag="contract_known"):
    """Carries the whole instrument: tick and fees of a fill's day stay readable for ever."""

    instrument: Instrument
    contract_id: str
    name: str
    venue: str = ""
    """Whose month it is; empty where only one venue was."""
    priced: bool = True
    """That venue's prices count: books without a venue, which are paper, hold its months."""


class AccountKnown(Record, frozen=True, kw_only=True, tag="account_known"):
    book: str
    account: Account
    venue: str = ""
    """Where the account is, by the name of the settings; empty where only one venue was."""
    calendar: str = "cme"
    """By which the book's days go (docs/semantics.md#sessions-and-trade-dates)."""


class Carried(Struct, frozen=True):
    """An open trade at 17:00: what of it belongs to the days before. Sums of price x quantity in ticks."""

    qty: int
    """Signed, as held at the boundary."""
    entry_sum: int
    entry_qty: int
    taken_usd: Decimal
    """Gross, by partial exits before the boundary."""
    costs_usd: Decimal
    mark: int | None = None
    """What it could be closed at then, ticks; None where nobody knows: it counts at its average entry."""


class DayRolled(Record, frozen=True, kw_only=True, tag="day_rolled"):
    """A trade date of one calendar began, for the books whose days go by it. Missed ones are written in
    order at the next start.
    """

    trade_date: str
    day_open_ts: int
    """When it began, nanoseconds UTC."""
    calendar: str = "cme"
    main: bool = True
    """Of the run's first book: what is counted over all books begins anew with it."""
    carried: dict[str, dict[str, Carried]] = field(default_factory=dict)
    """Book and instrument to the open trades: the day's P&L is split at the boundary by their mark."""


class DayMarked(Record, frozen=True, kw_only=True, tag="day_marked"):
    """The mark at the last boundary, in ticks, learnt later from the venue's history."""

    book: str
    instrument: str
    mark: int


class BalanceMarked(Record, frozen=True, kw_only=True, tag="balance_marked"):
    """With what balance a book went into a trade date: the end-of-day balance of the one before."""

    book: str
    account_id: str
    trade_date: str
    balance_usd: Decimal
    start_usd: Decimal
    """What the account began with, as the venue counts its balance."""


class CommandTaken(Record, frozen=True, kw_only=True, tag="command_taken"):
    command: AnyCommand
    answer: str
    done: bool = True
    """Whether the command did what it asked for."""
    verdicts: tuple[OrderVerdict, ...] = ()
    """What each book said to an order by hand."""


class ReverseBegun(Record, frozen=True, kw_only=True, tag="reverse_begun"):
    """What is held is being closed by a flatten with its latch; then the other side is to be entered."""

    book: str
    command: ReverseManual
    """Its quantity, stop and targets as they are meant, whatever was left open."""
    side: Side
    """Of the new trade."""
    until: int
    """After that it is not entered any more, by the wall's clock in nanoseconds UTC."""


class ReverseEnded(Record, frozen=True, kw_only=True, tag="reverse_ended"):
    """The other side is entered in the same step, or never."""

    book: str
    instrument: str
    reason: str


class IdeaRefused(Record, frozen=True, kw_only=True, tag="idea_refused"):
    book: str
    idea: Idea
    refusals: tuple[Refusal, ...]
    words: tuple[str, ...] = ()
    """Each of them in words, with its numbers and the name of its setting."""
    told_qty: int | None = None
    """Of a signal that its own paper book had no room for, how many it would have been: it is told all the
    same. None of other refusals.
    """


class PlanOpened(Record, frozen=True, kw_only=True, tag="plan_opened"):
    plan: TradePlan


class PlanChanged(Record, frozen=True, kw_only=True, tag="plan_changed"):
    book: str
    plan_id: str
    legs: tuple[Leg, ...] | None = None
    status: PlanStatus | None = None
    reason: str = ""
    entry_limit: int | None = None
    """Where a resting entry goes, ticks; None leaves it, as `entry_stop` does."""
    entry_stop: int | None = None
    trail: Trail | None = None
    """How its stop follows from now on; None leaves it."""


class PositionAdjusted(Record, frozen=True, kw_only=True, tag="position_adjusted"):
    """The venue's position differed and no fill explains it: the venue's word is taken."""

    book: str
    instrument: str
    delta: int
    price: int
    reason: str


class DustLeft(Record, frozen=True, kw_only=True, tag="dust_left"):
    """What is left of a coin is worth less than the venue takes in an order: it is no position any more, and
    the trade counts it at what it is worth.
    """

    book: str
    instrument: str
    qty: int
    price: int


class StateChanged(Record, frozen=True, kw_only=True, tag="state_changed"):
    """Trading state of a scope: None means every book, every instrument."""

    book: str | None
    instrument: str | None
    state: TradingState
    reason: str
    until: int | None = None
    guard: str = ""
    """Which guard set it, and ends it by itself; empty for people. A resume lifts only theirs."""
    trades_stay: bool = False
    """Of a lock: open trades run on, only entries are refused."""
    basis: str = ""
    """Of a lock without an end: the configuration that it rests on. It ends when that is changed."""
    by: str = ""
    """Where a person's command came from: "keyboard", "cli"; empty where no person set it."""


class FlattenStarted(Record, frozen=True, kw_only=True, tag="flatten_started"):
    book: str
    instruments: tuple[str, ...]
    reason: str


class CloseRequested(Record, frozen=True, kw_only=True, tag="close_requested"):
    """Intent to close a whole position by the venue's own call."""

    book: str
    instrument: str
    qty: int
    """Signed position as we know it."""
    client_id: str = ""
    """Of the order that sells coins."""


class FlattenEnded(Record, frozen=True, kw_only=True, tag="flatten_ended"):
    """The venue itself shows no position and no order, working or suspended, in this instrument."""

    book: str
    instrument: str


class Reconciled(Record, frozen=True, kw_only=True, tag="reconciled"):
    book: str
    orders: int
    positions: int


class BracketsKnown(Record, frozen=True, kw_only=True, tag="brackets_known"):
    """Whether an account takes native brackets, from the venue's own answer or by configuration.

    False is remembered until the configuration says otherwise: entries then go bare, and their stops and
    targets are orders of ours (docs/protocols/projectx.md#position-brackets-and-auto-oco).
    """

    book: str
    native: bool
    reason: str


class PositionFostered(Record, frozen=True, kw_only=True, tag="position_fostered"):
    """Contracts that no trade of ours opened get a plan, so that they are protected like one.

    The plan has one leg, whose entry is taken as filled at `price`, ticks.
    """

    plan: TradePlan
    price: int


class ContractsShifted(Record, frozen=True, kw_only=True, tag="contracts_shifted"):
    """Filled contracts change from one leg to another, where a cut entry left the targets lopsided."""

    book: str
    plan_id: str
    source: int
    target: int
    qty: int


class ExcursionNoted(Record, frozen=True, kw_only=True, tag="excursion_noted"):
    """Worst and best open P&L of the running position so far, USD: never above and never below zero."""

    book: str
    instrument: str
    worst_usd: Decimal
    best_usd: Decimal


class EquityNoted(Record, frozen=True, kw_only=True, tag="equity_noted"):
    """The day's total P&L, USD, what is open at what it could be closed for; and its extremes up to now."""

    book: str
    total_usd: Decimal
    high_usd: Decimal
    """Zero or above: the day begins at 0."""
    low_usd: Decimal
    drawdown_usd: Decimal
    """Deepest fall from the high, zero or above."""


class AlertTaken(Record, frozen=True, kw_only=True, tag="alert_taken"):
    """A revision of a message of an alert room was read: once each, whatever it comes by.

    It comes before the plans that it leads to; a message that is in the journal is never traded again.
    """

    room: str
    message_id: str
    revision: str
    kind: AlertKind
    verdict: Verdict
    posted_ts: int
    """When the message was first posted: `ts` is later by what the way to us took."""
    revised_ts: int
    """When this revision was made, as its own world counts; older ones than the newest change nothing."""
    author: str = ""
    reason: Reason | None = None
    detail: str = ""
    excerpt: str = ""
    """The beginning of the text, cleaned: data from outside, for people to recognise it by."""
    terms: Terms | None = None
    """The trade that it describes, where it describes one."""


AnyRecord = (
    RunStarted
    | ClockFound
    | RecordsLost
    | BotOut
    | BotSwitched
    | SettingsChanged
    | LooseningAnswered
    | ContractKnown
    | AccountKnown
    | DayRolled
    | DayMarked
    | BalanceMarked
    | CommandTaken
    | IdeaRefused
    | IdeaDeclined
    | PatternEnded
    | PlanOpened
    | PlanChanged
    | OrderIntended
    | OrderAdopted
    | OrderMoved
    | FillApplied
    | FillSettled
    | PositionAdjusted
    | DustLeft
    | StateChanged
    | FlattenStarted
    | ReverseBegun
    | ReverseEnded
    | CloseRequested
    | FlattenEnded
    | Reconciled
    | BracketsKnown
    | PositionFostered
    | ContractsShifted
    | ExcursionNoted
    | EquityNoted
    | AlertTaken
    | PredictorChanged
    | OpinionFormed
    | OpinionScored
    | MoodHeard
)

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def encode(record: AnyRecord) -> bytes:
    """One canonical JSON object: equal records are equal bytes, which the journal's hash builds on."""
    return _encoder.encode(record)


def decode(raw: bytes) -> AnyRecord:
    """Read a record of this or an older version. Raises JournalError."""
    try:
        version = msgspec.json.decode(raw, type=_Versioned).v
        if version < VERSION:
            lifted: AnyRecord = msgspec.convert(
                migrate(msgspec.json.decode(raw), version) | {"v": VERSION}, AnyRecord
            )
            return lifted
        if version > VERSION:
            raise JournalError(f"record of version {version}; this tstream reads up to {VERSION}: update it")
        return _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JournalError(f"unreadable journal record: {error}") from error


class _Versioned(Struct):
    v: int
