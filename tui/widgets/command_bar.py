"""The command line at the bottom: what is typed, and above it what it may become or would do."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from tui.command_line import MOST, Names, TypedCommand, completed, hint, understood
from tui.messages import CommandTyped


class _Line(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("tab", "complete", show=False, priority=True),
    ]

    def action_leave(self) -> None:
        self.post_message(CommandTyped(None))

    def action_complete(self) -> None:
        bar = self.parent
        if isinstance(bar, CommandBar):
            bar.complete()


class CommandBar(Vertical):
    """Enter does it, tab completes, escape leaves. A line that means nothing stays, with the reason."""

    def __init__(self, names: Callable[[], Names]) -> None:
        super().__init__(id="command-bar")
        self._names = names
        self._line = _Line(placeholder="an action by its name · tab completes · esc back", max_length=MOST)
        self._line.cursor_blink = False

    def compose(self) -> ComposeResult:
        yield Static(id="command-hint", markup=False)
        yield self._line

    @property
    def line(self) -> Input:
        """What is typed."""
        return self._line

    def _say(self, words: str) -> None:
        self.query_one("#command-hint", Static).update(words)

    def complete(self) -> None:
        """Type on as far as it is clear."""
        self._line.value = completed(self._line.value, self._names())
        self._line.cursor_position = len(self._line.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say(hint(event.value, self._names()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        meant = understood(event.value, self._names())
        if isinstance(meant, TypedCommand):
            self.post_message(CommandTyped(meant))
        else:
            self._say(meant)
