"""How everything is: connections, the engine, the accounts."""

from __future__ import annotations

from tui.panes.base import Pane, title
from tui.rows.system import system_rows
from tui.screen_state import ScreenState
from tui.styled_text import cell
from tui.widgets.grid import Content


class SystemPane(Pane):
    """Connections, oddities, the engine's health, the accounts."""

    NAME = "system"
    PERIOD = 0.5

    def build(self, state: ScreenState) -> Content:
        health = state.view.health
        bad = "✕ down" if health.stopped else "✕ trouble"
        note = cell("● ok", "ok") if health.ok else cell(bad, "error bold")
        return Content(system_rows(state, self.inner[0]), title=title("System"), note=note)
