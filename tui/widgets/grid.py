"""LiveGrid: the framed pane that every part of the cockpit is. Only rows that changed are painted again."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.styled_text import EMPTY, Row, fit, width_of
from tui.widgets.line import strip_of

LETTERS = {"j": 1, "k": -1, "g": -1_000_000, "G": 1_000_000}
"""Letters that scroll, and by how many rows."""


class Content(Struct, frozen=True):
    """What a pane shows. `head` stays while `rows` scroll; `title` and `note` stand in the upper frame."""

    rows: list[Row]
    head: Row = EMPTY
    title: Row = EMPTY
    note: Row = EMPTY
    foot: Row = EMPTY


class LiveGrid(Widget, can_focus=True):
    """A frame with rows inside. Scrolls when it has more rows than room."""

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup,ctrl+u", "scroll(-10)", show=False),
        Binding("pagedown,ctrl+d", "scroll(10)", show=False),
        Binding("home", "scroll(-1000000)", show=False),
        Binding("end", "scroll(1000000)", show=False),
        *(Binding(key, f"scroll({rows}, '{key}')", show=False) for key, rows in LETTERS.items()),
    ]

    class RowPicked(Message):
        """A row was clicked; `index` counts from 0 below the head."""

        def __init__(self, grid: LiveGrid, index: int) -> None:
            super().__init__()
            self.grid, self.index = grid, index

    class Sized(Message):
        """The grid has learnt its size: what it shows is to be made for that."""

        def __init__(self, grid: LiveGrid) -> None:
            super().__init__()
            self.grid = grid

    def __init__(self, *, number: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.number = number
        self._content = Content([])
        self._top = 0
        self._strips: dict[int, Strip] = {}

    @property
    def content(self) -> Content:
        """What the pane shows now."""
        return self._content

    @property
    def inner(self) -> tuple[int, int]:
        """Width and height inside the frame, one blank cell at each side left out."""
        return max(0, self.size.width - 4), max(0, self.size.height - 2)

    @property
    def room(self) -> int:
        """Rows that can be seen at once, below the head."""
        return max(0, self.inner[1] - (1 if self._content.head else 0))

    def set_content(self, content: Content) -> int:
        """Show other content; gives how many lines have to be painted again."""
        old, old_top = self._content, self._top
        if content == old:
            return 0
        before = [self._line_row(y) for y in range(self.inner[1])]
        self._content = content
        self._top = max(0, min(old_top, len(content.rows) - self.room))
        dirty = [y + 1 for y, row in enumerate(before) if row != self._line_row(y)]
        if (content.title, content.note) != (old.title, old.note):
            dirty.append(0)
        if content.foot != old.foot:
            dirty.append(self.size.height - 1)
        if (len(content.rows), self._top) != (len(old.rows), old_top) and self._scrolls(old, content):
            dirty = list(range(self.size.height))
        for y in dirty:
            self._strips.pop(y, None)
        if dirty:
            width = self.size.width
            self.refresh(*[Region(0, y, width, 1) for y in dirty])
        return len(dirty)

    def _scrolls(self, *contents: Content) -> bool:
        return any(len(content.rows) > self.room for content in contents)

    def repaint(self) -> None:
        """Paint all lines anew."""
        self._strips.clear()
        self.refresh()

    def _line_row(self, y: int) -> Row:
        """The row at line y inside the frame."""
        head = self._content.head
        if head:
            if y == 0:
                return head
            y -= 1
        at = self._top + y
        return self._content.rows[at] if at < len(self._content.rows) else EMPTY

    def render_line(self, y: int) -> Strip:
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._draw(y)
        return strip

    def _draw(self, y: int) -> Strip:
        width, height = self.size
        frame = "accent" if self.has_focus else "frame"
        if y == 0:
            return strip_of(self, self._upper(width, frame))
        if y >= height - 1:
            foot = fit(self._content.foot, min(width - 6, width_of(self._content.foot)))
            middle: Row = ((" ", frame), *foot, (" ", frame)) if foot else EMPTY
            line = "─" * max(0, width - 3 - width_of(middle))
            return strip_of(self, (("╰─", frame), *middle, (f"{line}╯", frame)))
        row = fit(self._line_row(y - 1), width - 4)
        right = self._thumb(y - 1, height - 2)
        return strip_of(self, (("│ ", frame), *row, (" ", "text"), (right, frame)))

    def _upper(self, width: int, frame: str) -> Row:
        name: Row = (
            ((f"{self.number} ", f"{frame} bold" if self.has_focus else "dim"),) if self.number else EMPTY
        )
        title: Row = (*name, *self._content.title)
        note = self._content.note
        room = width - 6
        if width_of(title) > room:
            title = fit(title, room)
        if width_of(title) + width_of(note) + 3 > room:
            note = EMPTY
        fill = width - 4 - width_of(title) - 2 - (width_of(note) + 2 if note else 0)
        right: Row = ((" ", frame), *note, (" ", frame)) if note else EMPTY
        return (
            ("╭─ ", frame),
            *title,
            (" ", frame),
            ("─" * max(0, fill), frame),
            *right,
            ("─╮", frame),
        )

    def _thumb(self, y: int, height: int) -> str:
        """The right frame, heavier where the visible part of a long content is."""
        rows, room = len(self._content.rows), self.room
        if rows <= room or height <= 0:
            return "│"
        size = max(1, height * room // rows)
        start = (height - size) * self._top // max(1, rows - room)
        return "┃" if start <= y < start + size else "│"

    def scroll_rows(self, rows: int) -> None:
        """Move the visible part by so many rows."""
        top = max(0, min(self._top + rows, len(self._content.rows) - self.room))
        if top != self._top:
            self._top = top
            self.repaint()

    def action_scroll(self, rows: int, letter: str = "") -> None:
        """By a letter only where nothing else has been given that key."""
        self.scroll_rows(rows)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.scroll_rows(2)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.scroll_rows(-2)
        event.stop()

    def on_click(self, event: events.Click) -> None:
        index = event.y - 1 - (1 if self._content.head else 0) + self._top
        if 0 < event.y < self.size.height - 1 and 0 <= index < len(self._content.rows):
            self.post_message(self.RowPicked(self, index))

    def on_resize(self) -> None:
        self._top = max(0, min(self._top, len(self._content.rows) - self.room))
        self.repaint()
        self.post_message(self.Sized(self))

    on_focus = on_blur = repaint
