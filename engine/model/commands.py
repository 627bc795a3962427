"""What people can ask for. Cockpit, command line and control socket all send these."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from engine.model.market import Side
from engine.model.orders import OrderType

MOST_TARGETS = 2
MOST_MINUTES = 24 * 60
"""How long an entry may rest."""
MOST_TICKS = 1_000_000
"""The longest distance that can be asked for."""
MOST_LOTS = 10_000_000_000
"""Lots of a coin may be hundred-millionths of it; how much fits is the gate's word."""

AGAIN = "taken already, nothing is done twice: "
"""How the answer to an order by hand begins whose id was taken before; what it was answered then follows."""
ONLY_TRIED = "nothing is placed, and it would be taken: "
"""How the answer to a dry run of an order by hand begins that would be taken."""
MOST_BOOKS = 50
"""In which one order is placed."""
LEAST_TRAIL = 2
"""Ticks between the best price and a stop that follows it."""


class Command(Struct, frozen=True, kw_only=True, tag=True, tag_field="command"):
    """Base. `id` names the command for its answer; `source` says who asked (keyboard, cli).

    Where a command has a `book`, None means all of them; where it has an `instrument`, None means all.
    """

    id: str
    source: str = "keyboard"


class Flatten(Command, frozen=True, kw_only=True, tag="flatten"):
    """Close every position and cancel every order in the scope, then keep entries paused there.

    `instrument` None means everything, `book` None every book, expected ones that are not adopted yet too.
    """

    instrument: str | None = None
    book: str | None = None


class CancelEntries(Command, frozen=True, kw_only=True, tag="cancel_entries"):
    """Cancel resting entries; exits and stops stay."""

    instrument: str | None = None
    book: str | None = None


class BreakEven(Command, frozen=True, kw_only=True, tag="break_even"):
    """Move the stops of an open position to where costs and slippage are paid, if the market allows."""

    instrument: str
    book: str | None = None


class Pause(Command, frozen=True, kw_only=True, tag="pause"):
    """No new entries, resting entries cancelled; exits and stops stay."""

    instrument: str | None = None
    book: str | None = None


class Resume(Command, frozen=True, kw_only=True, tag="resume"):
    """Undo a pause (a lock by a risk limit stays); with `halted` a halt too, on purpose."""

    instrument: str | None = None
    book: str | None = None
    halted: bool = False


class Halt(Command, frozen=True, kw_only=True, tag="halt"):
    """As a pause, but only a Resume that says `halted` lifts it; guards go on working."""

    instrument: str | None = None
    book: str | None = None


class Shutdown(Command, frozen=True, kw_only=True, tag="shutdown"):
    """Stop the engine gracefully; what stands at the venue stays there, and is told."""


class PlaceManual(Command, frozen=True, kw_only=True, tag="place_manual"):
    """Open a trade by hand: a plan like any other, with its stop (docs/manual-orders.md).

    `book` None means the only one there is. The same `id` again does nothing again. Prices are in price
    units, on the contract's grid.
    """

    instrument: str
    side: Side
    book: str | None = None
    books: tuple[str, ...] = ()
    """Several, instead of `book`: one trade in each, and a verdict of each."""
    qty: int | None = None
    """Lots; or `risk_usd` says what may be lost at the stop, costs included, and the lots follow from it; or
    the book is `sized`.
    """
    risk_usd: Decimal | None = None
    sized: bool = False
    """As many as the book's own sizing makes of the stop."""
    entry: OrderType = OrderType.MARKET
    price: Decimal | None = None
    """Where a limit or stop entry rests."""
    stop: Decimal | None = None
    """The protective stop; or `stop_ticks` from where the entry fills."""
    stop_ticks: int | None = None
    targets: tuple[Decimal, ...] = ()
    """Nearest first; or `target_ticks` from where the entry fills."""
    target_ticks: tuple[int, ...] = ()
    minutes: int | None = None
    """How long an entry may rest; None for the day. Entries of the day end before positions must be flat."""
    override: tuple[str, ...] = ()
    """Words of engine.model.refusals.OVERRIDES."""
    dry_run: bool = False
    """Only say what would come of it."""


class ChangeManual(Command, frozen=True, kw_only=True, tag="change_manual"):
    """Move the resting entry, the stop or the targets of a trade. What is None stays."""

    order: str
    """The id of the command that placed it, its plan's, or that of any of its orders."""
    book: str | None = None
    price: Decimal | None = None
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    """All of them, nearest first; none leaves them."""
    add_target: Decimal | None = None
    """One more, at this price: for what has none, else for a part of what one leg holds."""
    drop_targets: tuple[Decimal, ...] = ()
    """These are taken off: what they were for stays until its stop."""
    trail_ticks: int | None = None
    """Its stop follows the best price at this distance from now on, and never goes back; 0: not any more."""
    override: tuple[str, ...] = ()
    """As of PlaceManual."""
    dry_run: bool = False
    """Only say what would come of it."""


class AddManual(Command, frozen=True, kw_only=True, tag="add_manual"):
    """Add to a trade that is held, at market or at a limit: more of the same under the stop and the last
    target that it has (docs/manual-orders.md#adding-to-a-trade).
    """

    order: str
    """As of ChangeManual."""
    book: str | None = None
    qty: int | None = None
    """Lots; or `risk_usd`."""
    risk_usd: Decimal | None = None
    price: Decimal | None = None
    """Where it rests as a limit; None: at market."""
    minutes: int | None = None
    """How long that may rest, as of PlaceManual."""
    override: tuple[str, ...] = ()
    """As of PlaceManual."""
    dry_run: bool = False
    """Only say what would come of it."""


class ReverseManual(Command, frozen=True, kw_only=True, tag="reverse_manual"):
    """Close what is held of a contract and, once that is proven, enter the other side with its stop
    (docs/manual-orders.md#reversing).

    Without any stop it is as far away as the first one of the trade that is closed, and so are its targets.
    """

    instrument: str
    book: str | None = None
    """None means the only one there is."""
    qty: int | None = None
    """Lots of the new side; None, without `risk_usd`, as many as are closed."""
    risk_usd: Decimal | None = None
    stop: Decimal | None = None
    stop_ticks: int | None = None
    targets: tuple[Decimal, ...] = ()
    target_ticks: tuple[int, ...] = ()
    override: tuple[str, ...] = ()
    """As of PlaceManual."""
    dry_run: bool = False
    """Only say what would come of it."""


class CancelManual(Command, frozen=True, kw_only=True, tag="cancel_manual"):
    """Take back what of a trade still rests as an entry; what is held keeps its stop and targets."""

    order: str
    """As of ChangeManual."""
    book: str | None = None


class ReduceManual(Command, frozen=True, kw_only=True, tag="reduce_manual"):
    """Close a part of what is held of a contract at market, whoever opened it; the rest keeps its stops and
    targets.
    """

    instrument: str
    book: str | None = None
    """None means the only one there is."""
    books: tuple[str, ...] = ()
    """As of PlaceManual."""
    qty: int | None = None
    """Lots; None means half of them, rounded up."""
    dry_run: bool = False
    """Only say what would come of it."""


NOTE_LONGEST = 1_000
"""Characters of a note."""


class NoteTrade(Command, frozen=True, kw_only=True, tag="note_trade"):
    """Keep what a person has to say of a trade; words that begin with # are its tags. It replaces the note
    before; an empty one takes it off.
    """

    book: str
    trade: str
    """Its key (engine.model.review); that of an open position stays with the trade that it becomes."""
    text: str


class StartBot(Command, frozen=True, kw_only=True, tag="start_bot"):
    """Ask a bot again that was stopped, or that is out: it failed or took too long."""

    bot: str


class StopBot(Command, frozen=True, kw_only=True, tag="stop_bot"):
    """Ask a bot no more, over restarts too, until it is started; its trades stay protected and managed."""

    bot: str


class Reload(Command, frozen=True, kw_only=True, tag="reload"):
    """Read the settings again: all of it is taken that can be, or nothing."""


class AnswerLoosening(Command, frozen=True, kw_only=True, tag="answer_loosening"):
    """Say whether the limits that a reload would loosen on live accounts are loosened."""

    asked: int
    """Which question is meant, by its number in the View."""
    yes: bool = False


ManualCommand = PlaceManual | ChangeManual | CancelManual | ReduceManual | AddManual | ReverseManual
RunCommand = Flatten | CancelEntries | BreakEven | Pause | Resume | Halt | Shutdown | NoteTrade
BotCommand = StartBot | StopBot
SettingsCommand = Reload | AnswerLoosening
AnyCommand = RunCommand | ManualCommand | BotCommand | SettingsCommand
