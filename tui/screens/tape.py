"""Time and sales of the shown contract, with the delta of each bar."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui import number_format as figures
from tui.ladder_orders import stepped
from tui.plain_text import plain
from tui.rows.tape import delta_head, delta_note, delta_rows, print_rows
from tui.screen_state import ScreenState
from tui.screens.page import SCROLLED_S, Page
from tui.styled_text import EMPTY, Row, cell, fit
from tui.view_facts import session_of
from tui.widgets.grid import Content

_PRINTS = 40
"""Cells of a print; beside it stands what is left."""
_BESIDE = 90


class TapeScreen(Page):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S", "leave", show=False),
        Binding("plus,equals_sign", "least(1)", show=False),
        Binding("minus", "least(-1)", show=False),
        Binding("0", "least(0)", show=False),
        Binding("d", "bars", show=False),
        *(
            Binding(key, f"app.act('{action}')", show=False)
            for key, action in (("t", "next-timeframe"), ("T", "previous-timeframe"), ("n", "next-contract"),
                                ("N", "previous-contract"), ("f", "flatten"), ("F", "flatten-all"))
        ),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.least = 0
        """Smaller prints are left out, lots."""
        self._due = -1e9
        self._bars = False
        """Where there is no room for both: the bars instead of the prints."""

    def draw(self, state: ScreenState, now: float, force: bool = False) -> None:
        if force or now >= self._due:
            self._due = now + SCROLLED_S
            super().draw(state, now, force)

    def build(self, state: ScreenState, width: int) -> Content:
        contract = state.contract
        if contract is None:
            return Content([cell("no contract yet", "faint")], title=cell("Time and sales", "text bold"))
        tape = state.tape_of(state.instrument, state.timeframe)
        zone = session_of(state.view, contract).zone
        title: Row = (("Time and sales · ", "dim"), (plain(contract.name), "accent bold"))
        if self.least:
            least = figures.volume(self.least, contract.lot_size)
            title = (
                *title,
                (f" · from {least} lots" if contract.lot_size == 1 else f" · from {least}", "warn"),
            )
        note = delta_note(tape, contract, zone)
        foot = cell(self._keys_note(width), "dim")
        if tape is None or not tape.prints:
            return Content([cell("no trade has been told yet", "faint")], title=title, note=note, foot=foot)
        room = self._grid.room
        both = width >= _BESIDE
        if not both and self._bars:
            rows, head = delta_rows(tape, contract, zone, width), delta_head(state.timeframe.value, width)
            return Content(rows, head=head, title=title, note=note, foot=foot)
        left = min(_PRINTS, width)
        prints = print_rows(tape, contract, zone, left, 200 if not both else max(1, room), self.least)
        head = fit(cell("time      price     size", "dim"), left)
        if not both:
            return Content(prints, head=head, title=title, note=note, foot=foot)
        right = width - left - 3
        bars = delta_rows(tape, contract, zone, right, max(1, room))
        count = max(len(prints), len(bars))
        gap: Row = ((" │ ", "frame"),)
        rows = [
            (
                *fit(prints[i] if i < len(prints) else EMPTY, left),
                *gap,
                *(bars[i] if i < len(bars) else EMPTY),
            )
            for i in range(count)
        ]
        both_heads = (*head, *gap, *delta_head(state.timeframe.value, right))
        return Content(rows, head=both_heads, title=title, note=note, foot=foot)

    def _keys_note(self, width: int) -> str:
        bars = "" if width >= _BESIDE else " · d bars or prints"
        return f"+ − least size · 0 all{bars} · t timeframe · n contract · esc back"

    def action_least(self, by: int) -> None:
        self.least = 0 if not by else stepped(self.least, by, 0)
        self.cockpit.redraw()

    def action_bars(self) -> None:
        self._bars = not self._bars
        self.cockpit.redraw()
