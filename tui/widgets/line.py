"""One line of the screen: the status bar, the quote strip, the alert, the log and the key line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, cast

from rich.segment import Segment
from textual import events
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.messages import ActionAsked
from tui.styled_text import EMPTY, Row, width_of
from tui.theme_styles import ThemeStyles


class Themed(Protocol):
    """What widgets that draw themselves want of the application."""

    @property
    def theme_styles(self) -> ThemeStyles:
        """Of the theme that is on."""


class PaintedStrip(Strip):
    """A line that is gone when nobody has it any more. One that is cut at its end alone Textual keeps in that
    line's own cache: a circle that only a collection of garbage breaks, for each of hundreds a second.
    """

    __slots__ = ()

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        wanted = list(cuts)
        return [self] if wanted == [self.cell_length] else super().divide(wanted)


def strip_of(widget: Widget, row: Row, back: str = "", width: int | None = None) -> Strip:
    """A row as the screen's strip; spans without a background of their own get `back`. `width` is that of the
    row in cells, where it is known.
    """
    style = cast("Themed", widget.app).theme_styles.style
    if back:
        segments = [Segment(t, style(s if "on:" in s else f"{s} on:{back}")) for t, s in row if t]
    else:
        segments = [Segment(text, style(name)) for text, name in row if text]
    return PaintedStrip(segments, width)


class SelfPainted(Widget):
    """Draws each of its lines whole, frame and background too, and keeps them: they go to the screen as they
    are. Textual would copy each on its way through borders, padding and opacity, of which there are none.
    """

    ALLOW_SELECT = False

    def render_lines(self, crop: Region) -> list[Strip]:
        width = self.size.width
        lines = [self.render_line(y) for y in crop.line_range]
        if any(line.cell_length != width for line in lines):
            lines = [line.adjust_cell_length(width, self.rich_style) for line in lines]
        for filtered in self.get_line_filters():
            if not isinstance(filtered, ANSIToTruecolor):  # themes have true colours alone
                back = self.background_colors[1]
                lines = [PaintedStrip(filtered.apply(list(line), back), width) for line in lines]
        if crop.column_span != (0, width):
            lines = [line.crop(*crop.column_span) for line in lines]
        return lines


class Line(SelfPainted):
    """Shows one row. `BACK` is the colour behind it."""

    BACK = ""
    DEFAULT_CSS = "Line { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  the widget's own word
        super().__init__(id=id)
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

    def repaint(self) -> None:
        """Paint anew, in other colours or at another size."""
        self._strip = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if self._strip is None:
            taken, width = width_of(self._row), self.size.width
            row = (*self._row, (" " * (width - taken), "text"))
            self._strip = strip_of(self, row, self.BACK, max(taken, width))
        return self._strip

    def on_resize(self) -> None:
        self._strip = None


class SurfaceLine(Line):
    """A line on the colour of surfaces."""

    BACK = "surface"


class KeyLine(SurfaceLine):
    """The key hints at the bottom: a click does what the key does."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  the widget's own word
        super().__init__(id=id)
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
