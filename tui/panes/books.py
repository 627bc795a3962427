"""The books side by side."""

from __future__ import annotations

from textual.message import Message

from tui.books import ordered_books
from tui.panes.base import Pane, title
from tui.rows import books
from tui.rows.shared import book_chip, together_rows
from tui.screen_state import ScreenState
from tui.styled_text import fit, width_of
from tui.widgets.grid import Content, LiveGrid


class BooksPane(Pane):
    """A row for each book; a click picks it, and one on the picked book picks all again."""

    NAME = "books"
    PERIOD = 0.2

    class Picked(Message):
        """The row of a book was clicked."""

        def __init__(self, book: str) -> None:
            super().__init__()
            self.book = book

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()

    def build(self, state: ScreenState) -> Content:
        width = self.inner[0]
        self._names = tuple(book.book for book in ordered_books(state.view))
        head, rows = books.book_rows(state, width)
        rows += [fit(row, width) for row in together_rows(state.view, width)]
        total = books.total_row(state.view)
        name = (*title("Books"), (" ", "text"), *book_chip(state))
        # Where the upper frame has no room for the sums the lower one has.
        fits = width_of(name) + width_of(total) + 8 <= width
        empty = total[:0]
        return Content(rows, head, name, total if fits else empty, empty if fits else total)

    def on_live_grid_row_picked(self, event: LiveGrid.RowPicked) -> None:
        event.stop()
        if event.index < len(self._names):
            self.post_message(self.Picked(self._names[event.index]))
