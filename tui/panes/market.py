"""Quotes of all contracts, and the alignment of the shown one."""

from __future__ import annotations

from textual.message import Message

from tui.panes.base import Pane, title, waiting
from tui.rows import market
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY
from tui.widgets.grid import Content, LiveGrid


class QuotesPane(Pane):
    """All contracts; a click shows one."""

    NAME = "quotes"
    FOLLOWS = True

    class Picked(Message):
        """The row of a contract was clicked."""

        def __init__(self, instrument: str) -> None:
            super().__init__()
            self.instrument = instrument

    def __init__(self) -> None:
        super().__init__()
        self._instruments: list[str] = []

    def build(self, state: ScreenState) -> Content:
        if not state.view.contracts:
            return Content(waiting("waiting for contracts"), title=title("Quotes"))
        self._instruments = market.quoted(state.view)
        head, rows = market.quote_rows(state, self.inner[0])
        return Content(rows, head, title("Quotes"))

    def on_live_grid_row_picked(self, event: LiveGrid.RowPicked) -> None:
        event.stop()
        picked = self._instruments[event.index] if event.index < len(self._instruments) else ""
        if picked:
            self.post_message(self.Picked(picked))


class AlignmentPane(Pane):
    """What each timeframe says, their weighted sum, the verdict and its reasons."""

    NAME = "alignment"
    PERIOD = 0.25

    def build(self, state: ScreenState) -> Content:
        shown = state.alignment
        note = market.verdict_row(shown) if shown is not None else EMPTY
        rows = (
            market.alignment_rows(state, *self.inner)
            if state.view.contracts
            else waiting("waiting for contracts")
        )
        return Content(rows, title=title("Alignment", state.instrument, "accent"), note=note)
