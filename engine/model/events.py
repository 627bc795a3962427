"""Everything that can reach the core. `ts_venue` decides buckets and dates, `ts_recv` is the core's now.

Both are integer nanoseconds UTC; `ts_recv` never goes back.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from engine.model.blackouts import Blackouts
from engine.model.clock_fault import ClockFault as ClockFault
from engine.model.commands import AnyCommand, Reload
from engine.model.effects import AnyRequest, Request
from engine.model.errors import Cause
from engine.model.event import Event as Event
from engine.model.instrument import Instrument
from engine.model.market import Bar, Side
from engine.model.notices import Severity
from engine.model.opinion_events import OPINIONS as OPINIONS
from engine.model.opinion_events import MoodTold as MoodTold
from engine.model.opinion_events import OpinionEvent
from engine.model.opinion_events import Predicted as Predicted
from engine.model.opinion_events import PredictorTold as PredictorTold
from engine.model.orders import Account, Fill, Margin, VenueBalance, VenueOrder, VenuePosition
from engine.model.reload import BookTerms, BotTerms, SettingChange
from engine.model.rooms import AlertRoom
from engine.model.watch import Watched


class Quote(Event, frozen=True, kw_only=True, gc=False, tag="quote"):
    """The newest full top of book, in ticks; None where the venue has not yet said."""

    instrument: str
    bid: int | None
    ask: int | None
    venue: str = ""
    """Whose price it is."""
    last: int | None = None
    day_open: int | None = None
    """Opening price of the session, ticks: the change of the day counts from here if no close is known."""
    change: int | None = None
    """Change since the previous settlement as the venue gives it, ticks."""


class Print(Event, frozen=True, kw_only=True, gc=False, tag="print"):
    """One trade of the market, price in ticks. `seq` orders prints of the same instant."""

    instrument: str
    price: int
    size: int
    aggressor: Side | None = None
    seq: int = 0
    venue: str = ""


class Depth(Event, frozen=True, kw_only=True, gc=False, tag="depth"):
    """The order book of an instrument as it stands, whole each time: the newest one is all there is to know.
    Prices in ticks, sizes in lots; a level is a price and its size (docs/ladder.md#depth).
    """

    instrument: str
    bids: tuple[tuple[int, int], ...]
    """The best first, at most `DEPTH_LEVELS`."""
    asks: tuple[tuple[int, int], ...]
    venue: str = ""
    broken: str = ""
    """Why this is not what stands at the venue now, in words; empty while it is."""
    touch_only: bool = False
    """The venue tells no more than the best price of each side."""
    traded: tuple[tuple[int, int], ...] = ()
    """What was traded in the session at prices near the market, where the venue tells it."""
    resyncs: int = 0  # how often the book had to be asked for anew since the connection began


class BarReported(Event, frozen=True, kw_only=True, gc=False, tag="bar"):
    """A closed minute of a market of which nothing finer is told; it comes at its close, or later where the
    venue's market link says that its prices are delayed. Prices in ticks.
    """

    bar: Bar
    venue: str = ""

    @property
    def instrument(self) -> str:
        return self.bar.instrument


class HeldPriced(Event, frozen=True, kw_only=True, gc=False, tag="held_priced"):
    """A quote, or with `last` a print, of a month that is held and not the active one any more. Ticks."""

    instrument: str
    contract_id: str
    bid: int | None = None
    ask: int | None = None
    last: int | None = None
    venue: str = ""


class HistoryLoaded(Event, frozen=True, kw_only=True, tag="history"):
    """Closed bars from the venue, oldest first, each `backfilled`: minutes, or the half hours before them."""

    instrument: str
    bars: tuple[Bar, ...]
    venue: str = ""


class ContractResolved(Event, frozen=True, kw_only=True, tag="contract"):
    """The venue's active contract for an instrument."""

    instrument: Instrument
    contract_id: str
    name: str
    """As people write it: "MNQZ6"."""
    venue: str = ""


class AccountAdopted(Event, frozen=True, kw_only=True, tag="account_adopted"):
    """The account that a book trades on is known."""

    book: str
    account: Account
    venue: str = ""
    """Where the account is, by the name of the settings."""


class AccountFound(Event, frozen=True, kw_only=True, tag="account_found"):
    """A login whose accounts are all wanted has one that may trade and that this run does not serve."""

    venue: str
    name: str


class LinkState(StrEnum):
    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    DOWN = "down"


class LinkChanged(Event, frozen=True, kw_only=True, tag="link"):
    """A connection changed: `link` is "market" or "user" (hubs), "rest", or "token" (the login). Of the login
    `ts_venue` is what the venue's own clock shows, to the second; 0 where it does not say.
    """

    link: str
    state: LinkState
    detail: str = ""
    venue: str = ""
    """Whose connection it is; empty for every venue's."""
    book: str | None = None
    """Of the user hub: whose stream it is; None stands for every book."""
    until: int = 0
    """Of the token: when it expires, nanoseconds UTC; 0 where nothing expires."""
    used: int = 0
    """Of the REST interface: requests sent within the last period."""
    allowed: int = 0
    """How many requests a period may have; 0 where nobody counts."""
    delayed: bool = False
    """Of the market: its prices come as minutes that are over, late (docs/semantics.md#delayed-prices)."""


class OrderReported(Event, frozen=True, kw_only=True, tag="order"):
    book: str
    order: VenueOrder


class FillReported(Event, frozen=True, kw_only=True, tag="fill"):
    book: str
    fill: Fill


class PositionReported(Event, frozen=True, kw_only=True, tag="position"):
    book: str
    position: VenuePosition


class AccountReported(Event, frozen=True, kw_only=True, tag="account"):
    book: str
    balance_usd: Decimal
    can_trade: bool
    margin: Margin | None = None
    """As the venue tells it; None from one that does not, and where nothing is new."""


class Outcome(StrEnum):
    """How a request to the venue ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """It may have happened: look it up."""
    UNSENT = "unsent"
    """Certainly not done."""


class Replied(Event, frozen=True, kw_only=True, tag="replied"):
    """How a request ended that changes something at the venue."""

    request: Request
    book: str
    instrument: str
    client_id: str
    """Of the order; empty of a close."""
    outcome: Outcome
    venue_id: str | None = None
    """Of an order that was placed."""
    reason: str = ""
    cause: Cause | None = None
    """Of a refusal."""


def reply(
    to: AnyRequest,
    ts_recv: int,
    outcome: Outcome,
    reason: str = "",
    cause: Cause | None = None,
    venue_id: str | None = None,
) -> Replied:
    """The answer to a request."""
    return Replied(
        ts_recv=ts_recv,
        request=to.request,
        book=to.book,
        instrument=to.instrument,
        client_id=to.client_id,
        outcome=outcome,
        venue_id=venue_id,
        reason=reason,
        cause=cause,
    )


class SnapshotTaken(Event, frozen=True, kw_only=True, tag="snapshot"):
    """The venue's own word on one book: orders that live or were created since `since`, fills since then."""

    book: str
    since: int
    account: Account
    orders: tuple[VenueOrder, ...]
    fills: tuple[Fill, ...]
    positions: tuple[VenuePosition, ...]
    balances: tuple[VenueBalance, ...] = ()
    """Of every coin that the account has; only where the broker's capabilities say that it tells them."""


class SnapshotFailed(Event, frozen=True, kw_only=True, tag="snapshot_failed"):
    """A query failed: it says nothing about positions. Never flat."""

    book: str
    reason: str


class JournalState(Event, frozen=True, kw_only=True, tag="journal_state"):
    """Whether records can be made durable."""

    ok: bool
    detail: str = ""


class AlertKind(StrEnum):
    POSTED = "posted"
    EDITED = "edited"
    DELETED = "deleted"


class AlertReceived(Event, frozen=True, kw_only=True, tag="alert"):
    """A message of an alert room, new, changed or gone. `ts_venue` is when it was posted or changed there.

    `text` is data from outside: content and embeds as one text, bounded by the adapter, empty of a deletion.
    """

    room: str
    """As the settings name it."""
    message_id: str
    revision: str
    """Hash of the text: the same message read twice, by two paths, is the same revision."""
    kind: AlertKind
    author: str
    """Id of who posted it, already found on the room's list."""
    text: str
    posted_ts: int
    """When the message was first posted, nanoseconds UTC."""
    caught_up: bool = False
    """Read from the room's history after a disconnect."""


class SettingsReloaded(Event, frozen=True, kw_only=True, tag="settings"):
    """The settings were read again, checked as a whole, and are these; what can't change is as it was."""

    command: Reload
    """Who asked; of a change of the folder its source is "folder"."""
    refused: str = ""
    """Why none of it is taken, in words without secrets."""
    changes: tuple[SettingChange, ...] = ()
    """Keys that differ from before and are taken."""
    waiting: tuple[str, ...] = ()
    """Keys that differ and wait for the next start."""
    books: tuple[BookTerms, ...] = ()
    templates: tuple[BookTerms, ...] = ()
    bots: tuple[BotTerms, ...] = ()
    rooms: tuple[AlertRoom, ...] = ()
    blackouts: Blackouts = Blackouts()


class CommandReceived(Event, frozen=True, kw_only=True, tag="command"):
    command: AnyCommand


class SecurityTold(Event, frozen=True, kw_only=True, tag="security"):
    """A door of this run has news about who may come in: a wrong token, a client never seen before, a key
    that changed. `text` may carry words from outside.
    """

    severity: Severity
    text: str


class TimeAdvanced(Event, frozen=True, kw_only=True, gc=False, tag="time"):
    """A timer is due."""


class ClockChecked(Event, frozen=True, kw_only=True, tag="clock_checked"):
    """The machine's clock was compared with the steady one that stamps events."""

    offset_ns: int
    """What to add to `ts_recv` for the time that the machine's clock shows."""
    stood_still_ns: int = 0
    """For how long nothing ran: the machine slept, or the process was stopped. It has passed all the same."""


class BotOverran(Event, frozen=True, kw_only=True, tag="bot_overran"):
    """The runtime has measured that a bot takes too long, repeatedly. Times are real ones, nanoseconds."""

    bot: str
    times: int
    """Calls over the budget among its newest."""
    took_ns: int
    """The longest of them."""
    budget_ns: int


class RiskTold(Event, frozen=True, kw_only=True, tag="risk_told"):
    """The runtime has seen a figure of a book above what people want to hear of, or a part that failed."""

    what: Watched
    about: str
    """The book, or the component."""
    value: float
    """A share; of a component for how long it has failed, real seconds."""
    limit: float
    detail: str = ""
    over: bool = False
    """It is not so any more."""


AnyEvent = (
    Quote
    | Print
    | Depth
    | BarReported
    | HeldPriced
    | HistoryLoaded
    | ContractResolved
    | AccountAdopted
    | AccountFound
    | LinkChanged
    | OrderReported
    | FillReported
    | PositionReported
    | AccountReported
    | Replied
    | SnapshotTaken
    | SnapshotFailed
    | JournalState
    | AlertReceived
    | SettingsReloaded
    | CommandReceived
    | SecurityTold
    | TimeAdvanced
    | ClockChecked
    | BotOverran
    | RiskTold
    | OpinionEvent
)
