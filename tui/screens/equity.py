"""The equity page: the total of the badge's books, or of the picked one, by time; and each book's figures."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows.equity import SpanOfTime, TotalByTime, curve_of, curve_rows, figures_row, together
from tui.rows.shared import mode_badge, told_zone
from tui.screen_state import ScreenState
from tui.screens.page import Page
from tui.styled_text import EMPTY, Column, Row, cell, table
from tui.view_facts import own_total
from tui.widgets.grid import Content

RENEWED_S = 1.0
"""The engine is asked for the days no oftener."""

_COLUMNS = (
    Column("book", "<", least=8),
    Column("now"),
    Column("high"),
    Column("low", rank=2),
    Column("below high", rank=3),
    Column("deepest fall", rank=1),
)


class EquityScreen(Page):
    """Day, week, all by key; `B` picks the book as everywhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("E", "leave", show=False),
        Binding("d", "span('day')", show=False),
        Binding("w", "span('week')", show=False),
        Binding("a", "span('all')", show=False),
        Binding("B", "app.act('next-book')", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._span = SpanOfTime.DAY
        self._asked: tuple[float, tuple[str, ...], SpanOfTime] = -1e9, (), self._span
        self._curves: dict[str, TotalByTime] = {}

    def action_span(self, span: str) -> None:
        self._span = SpanOfTime(span)
        self.cockpit.redraw()

    def _renew(self, state: ScreenState, names: tuple[str, ...]) -> None:
        """Ask for the days; what a busy engine does not tell stays as it was."""
        now = self.cockpit.clock()
        at, of, span = self._asked
        same = span is self._span
        if same and of == names and now - at < RENEWED_S and self._curves.keys() >= set(names):
            return
        found = dict(self._curves) if same else {}
        for name in names:
            history = state.equity_of(name)
            if history is not None:
                found[name] = curve_of(history, self._span)
        self._asked, self._curves = (now, names, self._span), found

    def build(self, state: ScreenState, width: int) -> Content:
        own = own_total(state.view)
        books = () if own is None else own.books
        self._renew(state, tuple(book.book for book in books))
        shown = [(book, self._curves[book.book]) for book in books if book.book in self._curves]
        height = self._grid.inner[1]
        note: Row = (*self._spans(), ("  ", "text"), *told_zone(state))
        foot = cell(f"d day · w week · a all · {self.hint}", "dim")
        currency = "" if own is None else f" · {plain(own.currency)}"
        title: Row = (("Equity", "text bold"), (currency, "dim"))
        if not shown:
            words = "no account yet" if not books else "waiting for the days"
            return Content([cell(words, "faint")], title=title, note=note, foot=foot)
        total = together([curve for _, curve in shown])
        rows: list[Row] = [figures_row(total, width), EMPTY]
        room = height - len(rows) - len(shown) - 3
        rows += curve_rows(total.points, width, max(0, room), self._when(state)) or [
            cell("nothing has happened yet", "faint")
        ]
        records = [
            [
                ((plain(book.book), "text"), (" ", "text"), *mode_badge(book.kind)),
                *(
                    cell(figures.signed(usd), style)
                    for usd, style in (
                        (curve.now, f"{figures.tone(curve.now)} bold"),
                        (curve.high, "text"),
                        (curve.low, "text"),
                        (-curve.below, "text"),
                        (-curve.fall, "text"),
                    )
                ),
            ]
            for book, curve in shown
        ]
        head, body = table(_COLUMNS, records, width)
        return Content([*rows, EMPTY, head, *body], title=title, note=note, foot=foot)

    def _spans(self) -> Row:
        return tuple(
            (
                f"[{one.value}]" if one is self._span else f" {one.value} ",
                "accent bold" if one is self._span else "dim",
            )
            for one in SpanOfTime
        )

    def _when(self, state: ScreenState) -> times.Told:
        zone, session = state.view.told_in, state.view.session
        if self._span is SpanOfTime.DAY:
            return lambda ts: times.hour_minute(ts, zone)
        return lambda ts: times.trade_day(ts - 1, session)
