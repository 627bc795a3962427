"""What is on stage: the View together with what the person at the screen has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from engine.model.chart import AlignmentView, ChartView
from engine.model.events import LinkState
from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice
from engine.model.orders import AccountKind
from engine.model.view import (
    BookView,
    ContractView,
    PositionView,
    RestrictionEnd,
    RestrictionView,
    TradingState,
    View,
)
from tui.plain_text import plain


def _no_chart(_instrument: str, _timeframe: Timeframe) -> ChartView | None:
    return None


class Scene(Struct, frozen=True):
    """Everything that a pane may draw from. Panes are functions of it and of their size."""

    view: View
    instrument: str = ""
    timeframe: Timeframe = Timeframe.M5
    notices: Sequence[Notice] = ()
    """Kept by the cockpit, so that they outlive the View's window; oldest first."""
    acknowledged: int = -1
    """Sequence number up to which notices have been acknowledged."""
    logs: Sequence[LogLine] = ()
    """Log lines that pass the filter, oldest first."""
    log_filter: str = ""
    """The filter in words, empty when everything shows."""
    flashes: Mapping[str, int] = {}
    """Contracts whose price just changed: +2 (now) and +1 (a moment ago) for up, negative for down."""
    readonly: bool = False
    pace: str = ""
    """The frame rate in words when it is reduced."""
    asked: str = ""
    """How the last command stands."""
    asked_badly: bool = False
    """It was refused, or nobody answered."""
    chart_of: Callable[[str, Timeframe], ChartView | None] = _no_chart
    """The engine's charts; None where it has none, or is too busy to draw one."""

    @property
    def contract(self) -> ContractView | None:
        """The contract that is shown."""
        return contract_of(self.view, self.instrument)

    @property
    def chart(self) -> ChartView | None:
        """The chart that is shown, as of now: asked for when a pane draws it, and by no other."""
        return self.chart_of(self.instrument, self.timeframe)

    @property
    def alignment(self) -> AlignmentView | None:
        return self.view.alignment.get(self.instrument)

    @property
    def positions(self) -> tuple[PositionView, ...]:
        """Open positions, those of the badge's kind and of the shown contract first."""
        mode = self.view.mode
        return tuple(
            sorted(
                self.view.positions,
                key=lambda p: (p.kind is not mode, p.instrument != self.instrument),
            )
        )

    def decimals(self, instrument: str) -> int:
        """Digits of a contract's price."""
        contract = contract_of(self.view, instrument)
        return 2 if contract is None else contract.decimals


def contract_of(view: View, instrument: str) -> ContractView | None:
    """The contract's view, or None while the venue has not named it."""
    return next((c for c in view.contracts if c.instrument == instrument), None)


def link_state(view: View) -> LinkState:
    """The worst of the connections that trading needs; CONNECTING before there is one."""
    order = (LinkState.DOWN, LinkState.STALE, LinkState.CONNECTING, LinkState.LIVE)
    states = {link.state for link in view.links if link.needed}
    return next((state for state in order if state in states), LinkState.CONNECTING)


class Standing(Struct, frozen=True):
    """A trading state with the words and the time that belong to it."""

    state: TradingState
    reason: str = ""
    """Without the state's own word, which stands before it."""
    end: RestrictionEnd = RestrictionEnd.CAUSE
    until: int | None = None
    """When a lock ends, nanoseconds UTC; None where no time ends it."""


def reason_of(held: RestrictionView) -> str:
    """The reason as it reads behind the state: of a halt only whose it is, "HALTED by keyboard"."""
    if held.state is TradingState.HALTED and held.by:
        return f"by {plain(held.by)}"
    return plain(held.reason)


def standing(view: View, instrument: str) -> Standing:
    """The strictest state over the books that the badge stands for, and the shown contract."""
    found = Standing(TradingState.ACTIVE)
    books = main_books(view)
    for book in books:
        held = book.restriction
        if held is not None and held.state.rank > found.state.rank:
            whose = f"{plain(book.book)}: " if len(books) > 1 else ""
            found = Standing(held.state, f"{whose}{reason_of(held)}", held.end, held.until)
    contract = contract_of(view, instrument)
    if contract is not None and contract.state.rank > found.state.rank:
        found = Standing(contract.state, f"{instrument} only")
    return found


def main_books(view: View) -> tuple[BookView, ...]:
    """The books whose money is of the kind that the badge says. Kinds are never added up."""
    return tuple(book for book in view.books if book.kind is view.mode)


def kind_of(view: View, book: str | None) -> AccountKind:
    """Whose money a book holds; that of the badge where nobody knows."""
    return next((known.kind for known in view.books if known.book == book), view.mode)


def day_usd(view: View) -> Decimal:
    """P&L of the day over the books of the badge's kind, realized and open, USD net of costs."""
    return sum((book.day_usd for book in main_books(view)), Decimal(0))


def side_days(view: View) -> list[tuple[AccountKind, Decimal]]:
    """The same for each other kind that there is, the strictest first."""
    return [
        (kind, sum((book.day_usd for book in view.books if book.kind is kind), Decimal(0)))
        for kind in (AccountKind.LIVE, AccountKind.PRACTICE, AccountKind.PAPER)
        if kind is not view.mode and any(book.kind is kind for book in view.books)
    ]
