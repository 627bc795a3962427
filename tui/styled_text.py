"""What panes are made of: a row is spans of (text, style name). No screen library here.

A style name is a list of words: a colour ("gain"), a weight ("bold", "dim-out", "underline", "reverse") and a
background ("on:zone-up"). The theme turns it into the real thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct
from rich.cells import cell_len, chop_cells, set_cell_size

Span = tuple[str, str]
Row = tuple[Span, ...]

EMPTY: Row = ()
_NARROW = re.compile("[ -~·×…−\u2500-\u25fc]*").fullmatch
"""Text of which every character takes one cell: nearly all that the cockpit draws."""


def cell(text: str, style: str = "text") -> Row:
    """A row of one span."""
    return ((text, style),)


def text_of(row: Row) -> str:
    """The characters of a row."""
    return "".join(text for text, _ in row)


def width_of(row: Row) -> int:
    """Terminal cells that a row takes."""
    whole = "".join([text for text, _ in row])
    return len(whole) if _NARROW(whole) else sum([cell_len(text) for text, _ in row])


def join(rows: Iterable[Row], gap: Span) -> Row:
    """Rows one after the other with a gap between them; empty ones leave none."""
    joined: list[Span] = []
    for row in rows:
        if row:
            if joined:
                joined.append(gap)
            joined.extend(row)
    return tuple(joined)


def fit(row: Row, width: int, align: str = "<") -> Row:
    """The row in exactly `width` cells: filled with blanks, or cut with an ellipsis."""
    if width <= 0:
        return EMPTY
    size = width_of(row)
    if size == width:
        return row
    if size < width:
        blank = (" " * (width - size), "text")
        return (blank, *row) if align == ">" else (*row, blank)
    kept: list[Span] = []
    room = width - 1
    for text, style in row:
        length = cell_len(text)
        if length > room:
            kept.append((set_cell_size(text, room) + "…", style))
            break
        kept.append((text, style))
        room -= length
    return tuple(kept)


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at blanks where there are any."""
    width = max(1, width)
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, width) if cell_len(word) > width else [word]
        lines.extend(full)
    lines.append(line)
    return lines


class Part(Struct, frozen=True):
    """One part of a bar in variants from long to short, each with the rank by which it is given up."""

    variants: tuple[tuple[int, Row], ...]
    right: bool = False


def squeeze(parts: list[Part], width: int, gap: str) -> Row:
    """Parts side by side in `width` cells: the variant of the highest rank gives way first, rank 0 never."""
    chosen = [0] * len(parts)

    def rows(right: bool) -> list[Row]:
        return [part.variants[chosen[i]][1] for i, part in enumerate(parts) if part.right is right]

    def needed() -> int:
        shown = [row for row in (*rows(False), *rows(True)) if row]
        return sum(map(width_of, shown)) + len(gap) * max(0, len(shown) - 1)

    while needed() > width:
        able = [i for i, part in enumerate(parts) if chosen[i] + 1 < len(part.variants)]
        if not able:
            break
        worst = max(able, key=lambda i: parts[i].variants[chosen[i]][0])
        if parts[worst].variants[chosen[worst]][0] == 0:
            break
        chosen[worst] += 1
    left = join(rows(False), (gap, "faint"))
    right = join(rows(True), (gap, "faint"))
    blank = width - width_of(left) - width_of(right)
    least = 1 if left and right else 0
    return fit((*left, (" " * max(least, blank), "text"), *right), width)


class Column(Struct, frozen=True):
    """One column of a table. Lower ranks are dropped last; rank 0 never; `grow` takes what is left over."""

    title: str
    align: str = ">"
    rank: int = 0
    least: int = 0
    grow: bool = False


def table(columns: Sequence[Column], records: Sequence[Sequence[Row]], width: int) -> tuple[Row, list[Row]]:
    """Head and rows of a table, each `width` cells. Columns that don't fit go, the highest rank first."""
    widths = [
        max(column.least, len(column.title), *(width_of(record[i]) for record in records), 0)
        for i, column in enumerate(columns)
    ]
    for i, column in enumerate(columns):
        if column.grow:
            widths[i] = max(column.least, len(column.title))
    kept = list(range(len(columns)))

    def needed() -> int:
        return sum(widths[i] for i in kept) + 2 * (len(kept) - 1)

    while needed() > width and len(kept) > 1:
        worst = max(kept, key=lambda i: (columns[i].rank, i))
        if columns[worst].rank == 0:
            break
        kept.remove(worst)
    spare = max(0, width - needed())
    gaps = [2] * (len(kept) - 1)
    growing = [i for i in kept if columns[i].grow]
    if growing:
        widths[growing[0]] += spare
    elif gaps:
        more = min(2, spare // len(gaps))
        gaps = [gap + more for gap in gaps]

    def line(cells: Sequence[Row]) -> Row:
        spans: list[Span] = []
        for place, i in enumerate(kept):
            spans.extend(fit(cells[i], widths[i], columns[i].align))
            if place < len(gaps):
                spans.append((" " * gaps[place], "text"))
        return fit(tuple(spans), width)

    head = line([cell(column.title, "dim") for column in columns])
    return head, [line(record) for record in records]
