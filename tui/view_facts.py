"""What the screen reads off a View: the worst link, the strictest trading state, sums by kind of money."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from engine.model.events import LinkState
from engine.model.orders import AccountKind
from engine.model.view import (
    BookView,
    ContractView,
    RestrictionEnd,
    RestrictionView,
    TradingState,
    View,
)
from tui.plain_text import plain


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
