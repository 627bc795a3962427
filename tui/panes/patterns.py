"""What patterns came to, and which of them count in the score."""

from __future__ import annotations

from typing import ClassVar

from tui.panes.base import Pane, title
from tui.rows.patterns import pattern_rows
from tui.screen_state import ScreenState
from tui.widgets.grid import Content


class PatternsPane(Pane):
    """Win rate and expectancy of each pattern, shrunk to no edge while little is known."""

    NAME = "patterns"
    PERIOD: ClassVar[float] = 1.0

    def build(self, state: ScreenState) -> Content:
        if not state.view.patterns:
            return Content(
                self.waiting("no trade that a pattern led to has ended yet"), title=title("Patterns")
            )
        head, rows = pattern_rows(state, self.inner[0])
        return Content(rows, head, title("Patterns", "shrunk to no edge: 40 %, 0 R"))
