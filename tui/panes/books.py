"""The books side by side."""

from __future__ import annotations

from tui.books import ordered_books
from tui.panes.base import Pane, title
from tui.rows import books
from tui.rows.shared import book_chip, together_rows
from tui.screen_state import ScreenState
from tui.styled_text import fit, width_of
from tui.things import of_book
from tui.widgets.grid import Content


class BooksPane(Pane):
    """A row for each book; a click picks it, and one on the picked book picks all again."""

    NAME = "books"
    PERIOD = 0.2

    def build(self, state: ScreenState) -> Content:
        width = self.inner[0]
        head, rows = books.book_rows(state, width)
        rows += [fit(row, width) for row in together_rows(state.view, width)]
        total = books.total_row(state.view)
        name = (*title("Books"), (" ", "text"), *book_chip(state))
        # Where the upper frame has no room for the sums the lower one has.
        fits = width_of(name) + width_of(total) + 8 <= width
        empty = total[:0]
        things = tuple(map(of_book, ordered_books(state.view)))
        return Content(rows, head, name, total if fits else empty, empty if fits else total, things)
