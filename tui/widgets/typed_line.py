"""One line that a person types, in place of the key line: what comes of it is decided by whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input


class TypedLine(Input):
    """Enter hands the line over and closes, where nothing is wrong with it; escape closes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False)]

    def __init__(
        self, asks: str, take: Callable[[str], str], words: str = "", *, most: int = 0, pastes: bool = False
    ) -> None:
        """`take` gives what is wrong with a line, empty where it was taken. `most` characters fit, 0 is as
        many as one likes. Only where it `pastes` may a pasted text come in.
        """
        super().__init__(words, placeholder=asks, select_on_focus=False, max_length=most)
        self._take, self._pastes = take, pastes
        self.before: Widget | None = None
        """What had the keys before, and has them again."""
        self.cursor_blink = False

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.border_subtitle = ""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        wrong = self._take(event.value)
        if not wrong:
            self.action_close()
        else:
            self.notify(wrong, severity="warning", markup=False)

    def _on_paste(self, event: events.Paste) -> None:
        if self._pastes:
            super()._on_paste(event)
        event.stop()
        event.prevent_default()

    def action_close(self) -> None:
        screen = self.screen
        self.remove()
        if self.before is not None and self.before.is_attached and screen.focused in (self, None):
            screen.set_focus(self.before)
