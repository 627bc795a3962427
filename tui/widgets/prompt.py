"""The one-line prompt for the log filter, in place of the key line."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.messages import LogFilterChanged


class Prompt(Input):
    """Filters while one types; enter keeps, escape clears and closes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "clear_and_close", show=False)]

    def __init__(self, words: str) -> None:
        super().__init__(
            words, placeholder="filter log: words · ⏎ keep · esc show all", select_on_focus=False
        )
        self.cursor_blink = False

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(LogFilterChanged(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.remove()

    def action_clear_and_close(self) -> None:
        self.post_message(LogFilterChanged(""))
        self.remove()
