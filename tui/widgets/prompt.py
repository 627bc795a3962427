"""The one-line prompt for a pane's filter, in place of the key line."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.messages import FilterChanged

MOST = 200
"""Characters of a filter."""


class Prompt(Input):
    """Filters a pane while one types; enter keeps, escape clears, both close."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "clear_and_close", show=False)]

    def __init__(self, pane: str, words: str) -> None:
        super().__init__(
            words,
            placeholder=f"filter {pane}: words · ⏎ keep · esc show all",
            select_on_focus=False,
            max_length=MOST,
        )
        self.cursor_blink = False
        self._pane = pane

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(FilterChanged(self._pane, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(FilterChanged(self._pane, event.value, done=True))

    def action_clear_and_close(self) -> None:
        self.post_message(FilterChanged(self._pane, "", done=True))
