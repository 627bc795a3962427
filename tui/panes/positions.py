"""Positions, orders, trades."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.panes.base import Pane, title
from tui.plain_text import plain
from tui.rows import positions
from tui.rows.state import named
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, cell, width_of
from tui.things import Things
from tui.view_facts import currency_of, main_books
from tui.widgets.grid import Content


class PositionsPane(Pane):
    """Open positions; on small screens the working orders are folded in below them."""

    NAME = "positions"
    FOLLOWS = True
    fold_orders = False

    def build(self, state: ScreenState) -> Content:
        width = self.inner[0]
        foot = _flattening(state)
        head, rows = EMPTY, self.waiting(_nothing(state, "flat: no open position"))
        things: Things = (None,)
        if state.view.positions:
            head, rows = positions.position_rows(state, width)
            things = positions.position_things(state)
        if self.fold_orders:
            rows = [*rows, *positions.folded_order_rows(state, width)]
            things = (*things, *positions.order_things(state))
        count = len(state.view.positions)
        more = (
            f"{len(state.view.orders)} orders{_own_oco(state)}"
            if self.fold_orders and state.view.orders
            else ""
        )
        note = EMPTY
        if count:
            note = positions.open_sums(state, width - width_of(title("Positions", more)) - 8)
        return Content(rows, head, title("Positions", more), note, foot, things)


def _nothing(state: ScreenState, words: str) -> str:
    """What an empty list means: nothing is claimed before the venue has been asked."""
    if not state.view.books:
        return "waiting for the account"
    if not all(book.reconciled for book in state.view.books):
        return f"{words} here, not yet verified with the venue"
    return words


def _flattening(state: ScreenState) -> Row:
    """How far a flatten has come; a book is flat only when the venue says so."""
    books = state.view.books
    held = {(position.book, position.instrument) for position in state.view.positions}
    texts = []
    for book in books:
        if book.flatten is not None:
            whose = f"{plain(book.book)} " if len(books) > 1 else ""
            left = sorted(book.flatten.instruments, key=lambda name: (book.book, name) not in held)
            texts.append(f"{whose}flattening… not yet proven flat: {named(left)}")
    alarm = any(book.flatten is not None and book.flatten.alarm for book in books)
    return cell(" · ".join(texts), "error bold" if alarm else "warn bold") if texts else EMPTY


def _own_oco(state: ScreenState) -> str:
    """A word more where tstream pairs stop and target, because the venue does not."""
    return ", own OCO" if any(not book.brackets for book in main_books(state.view)) else ""


class OrdersPane(Pane):
    """Working orders."""

    NAME = "orders"
    FOLLOWS = True

    def build(self, state: ScreenState) -> Content:
        if not state.view.orders:
            return Content(self.waiting(_nothing(state, "no working order")), title=title("Orders"))
        head, rows = positions.order_rows(state, self.inner[0])
        note = cell(f"{len(rows)} working{_own_oco(state)}", "dim")
        return Content(rows, head, title("Orders"), note, things=positions.order_things(state))


class TradesPane(Pane):
    """Finished trades of the day, newest first."""

    NEWEST_FIRST = True
    NAME = "trades"
    FOLLOWS = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "app.act('note')", show=False)]
    PERIOD = 1.0

    def build(self, state: ScreenState) -> Content:
        if not state.view.trades:
            return Content(self.waiting("no finished trade yet"), title=title("Trades"))
        head, rows = positions.trade_rows(state, self.inner[0])
        amounts = [(t.kind, currency_of(state.view, t.instrument), t.net_usd) for t in state.view.trades]
        note = positions.sums_row(state, "net ", amounts)
        return Content(rows, head, title("Trades"), note, things=positions.trade_things(state))
