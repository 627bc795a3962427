"""Alerts and log."""

from __future__ import annotations

from typing import ClassVar

from tui.panes.base import Pane, title, waiting
from tui.rows import messages as talk
from tui.screen_state import Scene
from tui.spans import EMPTY, cell
from tui.widgets.grid import Content


class AlertsPane(Pane):
    """Signals, refusals, fills, risk, and the messages of alert rooms; the newest on top."""

    NAME = "alerts"
    PERIOD = 0.2

    def build(self, scene: Scene) -> Content:
        if not scene.notices and not scene.view.alerts:
            return Content(waiting("nothing has happened yet"), title=title("Alerts"))
        count = talk.unacknowledged(scene)
        note = cell(f"{count} new", "warn bold") if count else EMPTY
        return Content(talk.alerts(scene, self.inner[0]), title=title("Alerts"), note=note)


class LogPane(Pane):
    """The newest log lines that pass the filter; scrolls back over the kept ones."""

    NAME = "log"
    PERIOD: ClassVar[float] = 0.33

    def build(self, scene: Scene) -> Content:
        width, _ = self.inner
        kept = list(scene.logs)[-500:]
        rows = [talk.log_row(line, width) for line in reversed(kept)]
        note = cell(scene.log_filter, "accent") if scene.log_filter else EMPTY
        return Content(rows or waiting("the log is quiet"), title=title("Log"), note=note)
