"""What is typed right after a key that opens a line belongs to that line, also before it is on the screen."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual import events
from textual.app import App, ReturnType
from textual.widget import Widget
from textual.widgets import Input, TextArea


@runtime_checkable
class TypingScreen(Protocol):
    """A screen that is there to be typed into."""

    @property
    def typed_into(self) -> Widget: ...


class TypedAhead(App[ReturnType]):
    """A character that nobody has consumed acts as a key, unless a line has the keys: then it was on its way
    to what had them before, and goes to the line.
    """

    async def _on_key(self, event: events.Key) -> None:  # Textual's own is called after this one
        line = self._line()
        if line is None or not event.is_printable:
            return
        event.prevent_default()
        typed = events.Key(event.key, event.character)
        typed._set_forwarded()
        line.post_message(typed)

    def _line(self) -> Widget | None:
        screen = self.screen
        if isinstance(screen, TypingScreen):
            return screen.typed_into
        focused = screen.focused
        return focused if isinstance(focused, Input | TextArea) else None
