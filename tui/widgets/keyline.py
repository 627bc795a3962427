"""The line of key hints at the bottom; a click does what the key does."""

from __future__ import annotations

from textual import events

from tui.messages import ActionAsked
from tui.spans import Row
from tui.styles import Palette
from tui.widgets.line import Bar


class KeyLine(Bar):
    """Knows where each action stands in its row."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:  # noqa: A002  the widget's own word
        super().__init__(palette, id=id)
        self._places: list[tuple[int, int, str]] = []

    def show(self, line: tuple[Row, list[tuple[int, int, str]]]) -> None:
        """Show a row of hints and where the actions stand in it."""
        row, self._places = line
        self.set_row(row)

    def on_click(self, event: events.Click) -> None:
        for start, end, action_id in self._places:
            if start <= event.x < end:
                self.post_message(ActionAsked(action_id))
                return
