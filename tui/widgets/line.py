"""One line of the screen: the status bar, the quote strip, the alert, the log and the key line."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tui.spans import EMPTY, Row
from tui.styles import Palette


def strip_of(row: Row, palette: Palette, back: str = "") -> Strip:
    """A row as the screen's strip; spans without a background of their own get `back`."""
    style = palette.style
    if back:
        return Strip([Segment(t, style(s if "on:" in s else f"{s} on:{back}")) for t, s in row if t])
    return Strip([Segment(text, style(name)) for text, name in row if text])


class Line(Widget):
    """Shows one row. `BACK` is the colour behind it."""

    ALLOW_SELECT = False
    BACK = ""
    DEFAULT_CSS = "Line { height: 1; }"

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:  # noqa: A002  the widget's own word
        super().__init__(id=id)
        self._palette = palette
        self._row: Row = EMPTY
        self._strip: Strip | None = None

    @property
    def row(self) -> Row:
        """What the line shows."""
        return self._row

    def set_row(self, row: Row) -> bool:
        """Show a row; gives whether anything changed."""
        if row == self._row:
            return False
        self._row, self._strip = row, None
        self.refresh()
        return True

    def set_palette(self, palette: Palette) -> None:
        """Wear other colours."""
        self._palette, self._strip = palette, None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if self._strip is None:
            back = self._palette.style(f"text on:{self.BACK}" if self.BACK else "text")
            strip = strip_of(self._row, self._palette, self.BACK)
            self._strip = strip.adjust_cell_length(self.size.width, back)
        return self._strip

    def on_resize(self) -> None:
        self._strip = None


class Bar(Line):
    """A line on the colour of surfaces."""

    BACK = "surface"
