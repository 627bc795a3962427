"""The journal page: trades that are over, with notes, figures and a calendar. Asked of the engine like a
chart, so it works attached too; nothing of it is in the picture.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from engine.model.errors import PortError
from engine.model.questions import Reply
from engine.model.review import JournalAsked, JournalTold, ReviewedTrade, Span
from tui.notes import note_line
from tui.plain_text import plain
from tui.rows import journal
from tui.screen_state import ScreenState
from tui.screens.page import Page
from tui.styled_text import EMPTY, Row, cell, width_of
from tui.things import Thing
from tui.widgets.grid import Content, LiveGrid
from tui.widgets.typed_line import TypedLine

_WIDE = 150
"""Cells from which on the trade stands beside the list."""
_DETAIL = 14
"""Rows below it that the trade gets where it does not."""
_AGAIN_S = 1.0
"""What is shown is asked for anew no oftener than that."""
_PATIENCE_S = 8.0

Exporter = Callable[[JournalAsked], str]
"""Writes a range as files and gives where they are, or why not; takes a second or so."""


class Sheet(StrEnum):
    TRADES = "trades"
    STATISTICS = "statistics"
    CALENDAR = "calendar"


class JournalScreen(Page):
    """Everything about trades that are over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("J", "leave", show=False),
        Binding("v,tab", "sheet", show=False),
        Binding("t", "span", show=False),
        Binding("left,h", "range(-1)", show=False),
        Binding("right,l", "range(1)", show=False),
        Binding("e", "note", show=False),
        Binding("x", "export", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._trade = LiveGrid(id="trade")
        self._sheet = Sheet.TRADES
        self._span = Span.WEEK
        self._day = ""
        self._told: JournalTold | None = None
        self._trouble = ""
        self._asked: Future[Reply] | None = None
        self._asked_at = -1e9
        self._sign: tuple[Span, str, str, int, int] | None = None
        """Of what the newest answer was asked for."""
        self._loop: asyncio.AbstractEventLoop | None = None

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._safety
        with Container(id="sheets"):
            yield self._grid
            yield self._trade

    def on_mount(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._trade.can_focus = False
        self._grid.focus()
        self._place()

    def on_resize(self) -> None:
        self._place()
        self.cockpit.redraw()

    def _place(self) -> None:
        sheets, beside = self.query_one("#sheets"), self.size.width >= _WIDE
        sheets.styles.layout = "horizontal" if beside else "vertical"
        self._trade.display = self._sheet is Sheet.TRADES
        high = min(_DETAIL, max(6, self.size.height // 2 - 2))
        self._trade.styles.height = "1fr" if beside else high
        self._trade.styles.width = 58 if beside else "100%"
        self._grid.styles.width = "1fr" if beside else "100%"

    # What is asked and told.

    def draw(self, state: ScreenState, now: float, force: bool = False) -> None:
        """Show the state, and ask for what is not known of it."""
        self._take()
        self._ask(state, now)
        super().draw(state, now, force)
        width, _ = self._trade.inner
        if width > 0 and self._trade.display:
            self._trade.set_content(self._detail(state, width))

    def _take(self) -> None:
        asked = self._asked
        if asked is None or not asked.done():
            return
        self._asked = None
        try:
            reply = asked.result()
        except (PortError, CancelledError) as error:
            self._trouble = f"the engine does not tell: {error}"
            return
        if isinstance(reply, JournalTold):
            self._told, self._trouble = reply, ""

    def _ask(self, state: ScreenState, now: float) -> None:
        newest = state.notices[-1].seq if state.notices else 0
        sign = self._span, self._day, state.book, newest, len(state.view.books)
        chosen = self._sign is None or sign[:3] != self._sign[:3]
        if self._asked is not None and now - self._asked_at > _PATIENCE_S:
            self._asked, self._sign, self._trouble = None, None, "no answer from the engine yet, asking again"
        if self._asked is not None or sign == self._sign or (now - self._asked_at < _AGAIN_S and not chosen):
            return
        self._sign, self._asked_at = sign, now
        asked = self.cockpit.presenter.look_up(JournalAsked(self._span, self._day, state.book))
        self._asked = asked
        asked.add_done_callback(self._answered)
        self._take()

    def _answered(self, _answer: Future[Reply]) -> None:
        """On whatever thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the screen is gone
                self._loop.call_soon_threadsafe(self.cockpit.redraw)

    # What is shown.

    def build(self, state: ScreenState, width: int) -> Content:
        told = self._told
        foot = cell("v sheet · t range · ← → earlier, later · e note · x export · esc back", "dim")
        title = self._title()
        if told is None:
            words = self._trouble or "asking the engine"
            return Content([cell(plain(words), "faint")], title=title, foot=foot)
        head: Row = EMPTY
        things: tuple[Thing, ...] = ()
        if self._sheet is Sheet.TRADES:
            head, rows, things = journal.list_rows(told, state.view, width)
            rows = rows or [cell("no trade was closed in these days", "faint")]
        elif self._sheet is Sheet.STATISTICS:
            rows = [journal.summary_row(told, width), EMPTY, *journal.statistics_rows(told, width)]
        else:
            head, rows = journal.calendar_rows(told, width)
        note = cell(plain(self._trouble), "warn") if self._trouble else _left_out(told)
        return Content(rows, head=head, title=title, note=note, foot=foot, things=things)

    def _title(self) -> Row:
        told = self._told
        sheets = tuple(
            (f" {one.value} ", "ink on:accent bold" if one is self._sheet else "dim") for one in Sheet
        )
        days = self._span.value
        if told is not None and told.first:
            days = told.first if told.first == told.last else f"{told.first} to {told.last}"
            days = f"{told.span.value} {days}"
        title: Row = (("Journal ", "text bold"), *sheets, (f" {days}", "accent bold"))
        if told is None:
            return title
        kind, money = told.kind.value.upper(), plain(told.currency)
        whose = (f"{kind} {', '.join(map(plain, told.books))} · {money}", f"{kind} · {money}", money)
        room = self._grid.inner[0] - 4 - width_of(title)
        return (*title, (f"  {next((one for one in whose if len(one) <= room), '')}", "dim"))

    def _detail(self, state: ScreenState, width: int) -> Content:
        told, trade = self._told, self._selected
        if told is None or trade is None:
            return Content([cell("no trade is picked", "faint")], title=cell("Trade", "text bold"))
        rows = journal.detail_rows(trade, told, state.view, width)
        if not self._beside:
            rows = [journal.summary_row(told, width), *rows]
        return Content(rows, title=cell("Trade", "text bold"))

    @property
    def _beside(self) -> bool:
        return self.size.width >= _WIDE

    @property
    def _selected(self) -> ReviewedTrade | None:
        thing = self._grid.selected
        if thing is None or self._told is None:
            return None
        return next((one for one in self._told.trades if journal.thing_of(one).key == thing.key), None)

    def on_live_grid_cursor_moved(self) -> None:
        self.cockpit.redraw()

    # What people do.

    def action_sheet(self) -> None:
        sheets = list(Sheet)
        self._sheet = sheets[(sheets.index(self._sheet) + 1) % len(sheets)]
        self._place()
        self.cockpit.redraw()

    def action_span(self) -> None:
        spans = list(Span)
        self._span = spans[(spans.index(self._span) + 1) % len(spans)]
        self.cockpit.redraw()

    def action_range(self, by: int) -> None:
        """The range before or after the shown one."""
        told = self._told
        if told is None or not told.first or self._span is Span.ALL:
            return
        edge = date.fromisoformat(told.first if by < 0 else told.last)
        self._day = f"{edge + timedelta(days=by)}"
        self.cockpit.redraw()

    def action_note(self) -> None:
        trade = self._selected
        if trade is None or self.query(TypedLine):
            return
        line = note_line(self.cockpit, trade)
        line.before = self._grid
        self.mount(line)
        self.set_focus(line)

    async def action_export(self) -> None:
        export, told, cockpit = self.cockpit.export, self._told, self.cockpit
        if isinstance(export, str):
            cockpit.toast(f"export: {export}", "warning")
        elif told is None or self._span not in (Span.DAY, Span.WEEK, Span.MONTH):
            cockpit.toast("export: of a day, a week or a month; t picks one", "warning")
        else:
            cockpit.toast("writing it as HTML, CSV and JSON")
            book = "" if self._sign is None else self._sign[2]
            asked = JournalAsked(self._span, told.last, book)
            self.run_worker(self._export(export, asked), group="export", exclusive=True, exit_on_error=False)

    async def _export(self, export: Exporter, asked: JournalAsked) -> None:
        self.cockpit.toast(await asyncio.to_thread(export, asked))


def _left_out(told: JournalTold) -> Row:
    words = []
    if told.total.trades > len(told.trades):
        words.append(f"the newest {len(told.trades)} of {told.total.trades}")
    if told.other_currency:
        words.append(f"{told.other_currency} in other currencies are not among it")
    if told.cut:
        words.append("older ones: tstream trades --days")
    return cell(", ".join(words), "dim") if words else EMPTY
