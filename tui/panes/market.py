"""Quotes of all contracts, and the alignment of the shown one."""

from __future__ import annotations

from tui.panes.base import Pane, title
from tui.rows import market
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY
from tui.widgets.grid import Content


class QuotesPane(Pane):
    """All contracts; a click, or enter, shows one."""

    NAME = "quotes"
    FOLLOWS = True

    def build(self, state: ScreenState) -> Content:
        if not state.view.contracts:
            return Content(self.waiting("waiting for contracts"), title=title("Quotes"))
        head, rows = market.quote_rows(state, self.inner[0])
        return Content(rows, head, title("Quotes"), things=market.quote_things(state.view))


class AlignmentPane(Pane):
    """What each timeframe says, their weighted sum, the verdict and its reasons."""

    NAME = "alignment"
    FILTERS = False
    PERIOD = 0.25

    def build(self, state: ScreenState) -> Content:
        shown = state.alignment
        note = market.verdict_row(shown) if shown is not None else EMPTY
        rows = (
            market.alignment_rows(state, *self.inner)
            if state.view.contracts
            else self.waiting("waiting for contracts")
        )
        return Content(rows, title=title("Alignment", state.instrument, "accent"), note=note)
