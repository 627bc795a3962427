"""Profit and loss: numbers, the distance to each limit, and the equity curve of the day."""

from __future__ import annotations

from functools import partial

from engine.model.view import EquityPoint
from tui import clock_times as times
from tui import number_format as figures
from tui.panes.base import Pane, title
from tui.plain_text import plain
from tui.rows import pnl
from tui.rows.equity import curve_rows
from tui.rows.shared import days_beside
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, cell
from tui.view_facts import own_total
from tui.widgets.grid import Content

_CURVE = 3
"""Rows below which a curve says nothing."""
_AT_LEAST = 3
"""Limits that are shown before the curve gets its rows."""


def _limits_shown(state: ScreenState, room: int) -> int:
    """Rows for the limits: all of them where the curve still fits below, else the nearest few."""
    books = state.view.books
    wanted = sum(max(1, len(book.limits)) + (len(books) > 1) for book in books)
    if len(books) > 2:
        wanted = len(books)  # the tightest of each
    if wanted + _CURVE <= room:
        return wanted
    return max(min(wanted, room, _AT_LEAST), min(wanted, room - _CURVE))


class PnlPane(Pane):
    """The curve is drawn once a second at most."""

    NAME = "pnl"
    FILTERS = False
    FOLLOWS = True

    def __init__(self) -> None:
        super().__init__()
        self._curve: tuple[EquityPoint, ...] = ()
        self._drawn: list[Row] = []
        self._drawn_at: tuple[float, int, int] = (-1e9, 0, 0)
        self._now = 0.0

    def draw(self, state: ScreenState, now: float, force: bool = False) -> int:
        self._now = now
        return super().draw(state, now, force)

    def build(self, state: ScreenState) -> Content:
        width, height = self.inner
        rows = pnl.number_rows(state, width)
        if state.view.books:
            rows += pnl.book_limit_rows(state, width, _limits_shown(state, height - len(rows)))
        room = height - len(rows)
        if room >= _CURVE and state.view.books:
            at, *size = self._drawn_at
            if self._now - at >= 1.0 or size != [width, room]:
                when = partial(times.hour_minute, zone=state.view.told_in)
                self._curve = pnl.equity_curve(state)
                self._drawn = curve_rows(self._curve, width, room - (room > _CURVE), when)
                self._drawn_at = (self._now, width, room)
            if self._drawn and room > _CURVE:  # its numbers are those of the title above them
                rows.append(pnl.curve_head(state, self._curve, width))
            rows += self._drawn
        elif not state.view.books:
            rows = [cell("no account yet", "faint")]
        note: Row = EMPTY
        own = own_total(state.view)
        if own is not None:
            note = (
                ("day ", "dim"),
                (figures.signed(own.day), f"{figures.tone(own.day)} bold"),
                (f" {plain(own.currency)}", "dim"),
                *days_beside(state.view),
            )
        return Content(rows, title=title("P&L"), note=note)
