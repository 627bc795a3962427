"""Alerts and log."""

from __future__ import annotations

from typing import ClassVar

from tui.panes.base import Pane, title
from tui.rows import messages
from tui.rows.shared import told_zone
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, cell, join
from tui.widgets.grid import Content


class AlertsPane(Pane):
    """Signals, refusals, fills, risk, and the messages of alert rooms; the newest on top."""

    NAME = "alerts"
    PERIOD = 0.2
    NEWEST_FIRST = True

    def build(self, state: ScreenState) -> Content:
        state = state.told
        if not state.notices and not state.view.alerts:
            return Content(self.waiting("nothing has happened yet"), title=title("Alerts"))
        count = messages.unacknowledged(state)
        new = cell(f"{count} new", "warn bold") if count else EMPTY
        note = join([new, told_zone(state)], (" · ", "faint"))
        rows, things = messages.alert_table(state, self.inner[0])
        kind = state.alert_kind
        rows = rows or self.waiting(f"none of these: {kind}")
        return Content(rows, title=title("Alerts", kind, "accent bold"), note=note, things=things)


class LogPane(Pane):
    """The newest log lines that pass the filter; scrolls back over the kept ones."""

    NAME = "log"
    PERIOD: ClassVar[float] = 0.33

    def build(self, state: ScreenState) -> Content:
        width, _ = self.inner
        kept = list(state.logs)[-500:]
        rows = [messages.log_row(line, width, state.view.told_in) for line in reversed(kept)]
        words = cell(state.log_filter, "accent") if state.log_filter else EMPTY
        note = join([words, told_zone(state)], (" · ", "faint"))
        return Content(rows or self.waiting("the log is quiet"), title=title("Log"), note=note)
