"""Positions, orders, trades."""

from __future__ import annotations

from decimal import Decimal

from engine.model.orders import AccountKind
from tui import number_format as figures
from tui.panes.base import Pane, title, waiting
from tui.plain_text import plain
from tui.rows import positions as book
from tui.rows.status import beside
from tui.screen_state import Scene, main_books
from tui.spans import EMPTY, Row, cell
from tui.widgets.grid import Content


class PositionsPane(Pane):
    """Open positions; on small screens the working orders are folded in below them."""

    NAME = "positions"
    fold_orders = False

    def build(self, scene: Scene) -> Content:
        width = self.inner[0]
        foot = _flattening(scene)
        head, rows = EMPTY, waiting(_nothing(scene, "flat: no open position"))
        if scene.view.positions:
            head, rows = book.positions(scene, width)
        if self.fold_orders:
            rows = [*rows, *book.folded_orders(scene, width)]
        count = len(scene.view.positions)
        more = (
            f"{len(scene.view.orders)} orders{_own_oco(scene)}"
            if self.fold_orders and scene.view.orders
            else ""
        )
        note = _sums(scene, "open ", [(p.kind, p.open_usd) for p in scene.view.positions]) if count else EMPTY
        return Content(rows, head, title("Positions", more), note, foot)


def _sums(scene: Scene, label: str, amounts: list[tuple[AccountKind, Decimal]]) -> Row:
    """What amounts come to, each kind of money by itself, the badge's own first."""
    sums: dict[AccountKind, Decimal] = {}
    for kind, amount in amounts:
        sums[kind] = sums.get(kind, Decimal(0)) + amount
    mode = scene.view.mode
    own = sums.pop(mode, Decimal(0))
    side = beside(scene.view, sorted(sums.items()))
    return ((label, "dim"), (figures.signed(own), f"{figures.tone(own)} bold"), *side)


def _nothing(scene: Scene, words: str) -> str:
    """What an empty list means: nothing is claimed before the venue has been asked."""
    if not scene.view.books:
        return "waiting for the account"
    if not all(book.reconciled for book in scene.view.books):
        return f"{words} here, not yet verified with the venue"
    return words


def _flattening(scene: Scene) -> Row:
    """How far a flatten has come; a book is flat only when the venue says so."""
    books = scene.view.books
    texts = [
        f"{f'{plain(b.book)} ' if len(books) > 1 else ''}flattening… "
        f"{len(b.flatten.instruments)} not yet proven flat"
        for b in books
        if b.flatten is not None
    ]
    alarm = any(book.flatten is not None and book.flatten.alarm for book in books)
    return cell(" · ".join(texts), "error bold" if alarm else "warn bold") if texts else EMPTY


def _own_oco(scene: Scene) -> str:
    """A word more where tstream pairs stop and target, because the venue does not."""
    return ", own OCO" if any(not book.brackets for book in main_books(scene.view)) else ""


class OrdersPane(Pane):
    """Working orders."""

    NAME = "orders"

    def build(self, scene: Scene) -> Content:
        if not scene.view.orders:
            return Content(waiting(_nothing(scene, "no working order")), title=title("Orders"))
        head, rows = book.orders(scene, self.inner[0])
        return Content(rows, head, title("Orders"), cell(f"{len(rows)} working{_own_oco(scene)}", "dim"))


class TradesPane(Pane):
    """Finished trades of the day, newest first."""

    NAME = "trades"
    PERIOD = 1.0

    def build(self, scene: Scene) -> Content:
        if not scene.view.trades:
            return Content(waiting("no finished trade yet"), title=title("Trades"))
        head, rows = book.trades(scene, self.inner[0])
        note = _sums(scene, "net ", [(trade.kind, trade.net_usd) for trade in scene.view.trades])
        return Content(rows, head, title("Trades"), note)
