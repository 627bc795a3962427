"""LiveGrid: the framed pane that every part of the cockpit is. Only rows that changed are painted again.

Where its rows are things (tui.things), keys, wheel and clicks move a cursor over them; else they scroll.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tui.styled_text import EMPTY, Row, fit, text_of, width_of
from tui.things import Thing, Things
from tui.widgets.line import SelfPainted, strip_of

LETTERS = {"j": 1, "k": -1, "g": -1_000_000, "G": 1_000_000}
"""Letters that move the cursor, or scroll, and by how many rows."""


def _marked(style: str) -> str:
    """How a style looks under the cursor: what is dim elsewhere must be read there."""
    if "on:" in style:
        return style
    return f"{_LOUDER.get(style, style)} on:select"


_LOUDER = {"dim": "text", "faint": "text"}


class Content(Struct, frozen=True):
    """What a pane shows. `head` stays while `rows` scroll; `title` and `note` stand in the upper frame."""

    rows: list[Row]
    head: Row = EMPTY
    title: Row = EMPTY
    note: Row = EMPTY
    foot: Row = EMPTY
    things: Things = ()
    """What each row is about; rows of one thing stand together. Empty where rows are no things."""


class LiveGrid(SelfPainted, can_focus=True):
    """A frame with rows inside. Scrolls when it has more rows than room."""

    NEWEST_FIRST: ClassVar[bool] = False
    """New rows come in at the top: a cursor that stands there stays there."""

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
        """A row was clicked: the thing that it is about; `twice` when it was a double click."""

        def __init__(self, grid: LiveGrid, thing: Thing, *, twice: bool) -> None:
            super().__init__()
            self.grid, self.thing, self.twice = grid, thing, twice

    class CursorMoved(Message):
        """Another thing is under the cursor now."""

        def __init__(self, grid: LiveGrid) -> None:
            super().__init__()
            self.grid = grid

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
        self._selected: Thing | None = None
        self._from, self._to = 0, 0
        """The rows of the selected thing: the first, and the one after the last."""

    @property
    def content(self) -> Content:
        """What the pane shows now."""
        return self._content

    @property
    def inner(self) -> tuple[int, int]:
        """Width and height inside the frame, one blank cell at each side left out."""
        return max(0, self.size.width - 4), max(0, self.size.height - 2)

    @property
    def selected(self) -> Thing | None:
        """What the cursor is on; None where rows are no things, and where there is none."""
        return self._selected

    def text_of_thing(self, thing: Thing) -> str:
        """The rows of a thing as they stand, one after the other; empty when it is gone."""
        found = zip(self._content.rows, self._content.things, strict=False)
        return "  ".join(
            text_of(row).strip() for row, one in found if one is not None and one.key == thing.key
        )

    @property
    def room(self) -> int:
        """Rows that can be seen at once, below the head."""
        return max(0, self.inner[1] - (1 if self._content.head else 0))

    def set_content(self, content: Content) -> int:
        """Show other content; gives how many lines have to be painted again."""
        old, old_top = self._content, self._top
        if content == old:
            return 0
        before = [self._shown_at(y) for y in range(self.inner[1])]
        seen = self._top <= self._from < self._top + self.room
        self._content = content
        self._top = max(0, min(old_top, len(content.rows) - self.room))
        self._find_selected()
        if self.has_focus and seen:
            self._reveal()
        dirty = [y + 1 for y, shown in enumerate(before) if shown != self._shown_at(y)]
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

    # The cursor.

    def _find_selected(self) -> None:
        """Where the selected thing stands now. When it is gone, what has come in its place is selected."""
        before, things = self._selected, self._content.things
        at_home = self.NEWEST_FIRST and self._from == 0
        key = None if before is None or at_home else before.key
        same = [i for i, one in enumerate(things) if one is not None and one.key == key]
        self._select(same[0] if same else self._nearest(0 if at_home else self._from))
        after = self._selected
        if key is not None and after is not None and after.key != key:
            self.replaced()

    def replaced(self) -> None:
        """What was selected is gone, and something else has come under the cursor by itself."""

    def _nearest(self, row: int) -> int | None:
        """The first row of the thing at a row or, where there is none, of the nearest one."""
        things = self._content.things
        known = [i for i, one in enumerate(things) if one is not None]
        if not known:
            return None
        near = min(known, key=lambda i: (abs(i - row), i))
        while near > 0 and things[near - 1] == things[near]:
            near -= 1
        return near

    def _select(self, row: int | None) -> None:
        things, before = self._content.things, self._selected
        if row is None:
            self._selected, self._from, self._to = None, 0, 0
        else:
            end = row + 1
            while end < len(things) and things[end] == things[row]:
                end += 1
            self._selected, self._from, self._to = things[row], row, end
        if self._selected != before:
            self.post_message(self.CursorMoved(self))

    def _reveal(self) -> None:
        """Scroll as little as it takes to see the selected thing, its first row whatever happens."""
        if self._selected is None:
            return
        top = max(self._top, self._to - self.room)
        self._top = max(0, min(top, self._from))

    def move_cursor(self, by: int) -> None:
        """To the thing so many further down, or up."""
        things = self._content.things
        starts = [i for i, one in enumerate(things) if one is not None and (i == 0 or things[i - 1] != one)]
        if not starts:
            return
        at = starts.index(self._from) if self._from in starts else 0
        self._move_to(starts[max(0, min(len(starts) - 1, at + by))])

    def _move_to(self, row: int) -> None:
        before, top = (self._from, self._to), self._top
        self._select(row)
        self._reveal()
        if self._top != top:
            self.repaint()
        else:
            lines = {y for rows in (before, (self._from, self._to)) for y in range(*rows)}
            self._repaint_rows(lines)

    def _repaint_rows(self, rows: set[int]) -> None:
        first = 1 + (1 if self._content.head else 0) - self._top
        lines = [row + first for row in sorted(rows) if 0 <= row - self._top < self.room]
        for y in lines:
            self._strips.pop(y, None)
        if lines:
            self.refresh(*[Region(0, y, self.size.width, 1) for y in lines])

    def _scrolls(self, *contents: Content) -> bool:
        return any(len(content.rows) > self.room for content in contents)

    def repaint(self) -> None:
        """Paint all lines anew."""
        self._strips.clear()
        self.refresh()

    def _shown_at(self, y: int) -> tuple[Row, bool]:
        """The row at line y inside the frame, and whether the cursor is on it."""
        head = self._content.head
        if head:
            if y == 0:
                return head, False
            y -= 1
        at = self._top + y
        row = self._content.rows[at] if at < len(self._content.rows) else EMPTY
        return row, self._selected is not None and self._from <= at < self._to

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
        row, under = self._shown_at(y - 1)
        row, right = fit(row, width - 4), self._thumb(y - 1, height - 2)
        known = width if width > 4 else None
        if not under or not self.has_focus:
            return strip_of(self, (("│ ", frame), *row, (" ", "text"), (right, frame)), width=known)
        marked = tuple((text, _marked(style)) for text, style in row)
        mark = ("›", "accent bold on:select")  # it must be seen where there are no colours
        ends = ((" ", "text on:select"), (right, frame))
        return strip_of(self, (("│", frame), mark, *marked, *ends), width=known)

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
        rows, room = len(self._content.rows), height - (1 if self._content.head else 0)
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
        if self._selected is not None:
            self.move_cursor(rows)
        else:
            self.scroll_rows(rows)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        if self.has_focus and self._selected is not None:
            self.move_cursor(by)
        else:
            self.scroll_rows(2 * by)
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def on_click(self, event: events.Click) -> None:
        row = event.y - 1 - (1 if self._content.head else 0) + self._top
        things = self._content.things
        if not 0 < event.y < self.size.height - 1 or not 0 <= row < len(things):
            return
        thing = things[row]
        if thing is not None:
            self._move_to(self._nearest(row) or 0)
            self.post_message(self.RowPicked(self, thing, twice=event.chain > 1))

    def on_resize(self) -> None:
        self._top = max(0, min(self._top, len(self._content.rows) - self.room))
        if self.has_focus:
            self._reveal()
        self.repaint()
        self.post_message(self.Sized(self))

    def on_focus(self) -> None:
        self._reveal()
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()
