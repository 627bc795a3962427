"""The filter of a pane: the rows that hold some words, and what its frame says of that."""

from __future__ import annotations

from itertools import groupby

from msgspec.structs import replace

from tui.plain_text import plain
from tui.styled_text import EMPTY, Row, cell, text_of
from tui.things import Thing, Things
from tui.widgets.grid import Content


def filtered(content: Content, words: str) -> Content:
    """The content with the rows that hold all the words, whatever their case; things are kept whole. The
    title says which words, and how many of how many are shown."""
    if not words:
        return content
    wanted = words.casefold().split()
    groups = _groups(content.rows, content.things)
    kept = [(rows, thing) for rows, thing in groups if _holds(rows, thing, wanted)]
    shown, of = (sum(thing is not None or not content.things for _, thing in some) for some in (kept, groups))
    title: Row = (*content.title, (f" /{plain(words)}", "accent bold"), (f" {shown} of {of}", "dim"))
    rows = [row for some, _ in kept for row in some]
    things = tuple(thing for some, thing in kept for _ in some) if content.things else ()
    return replace(content, rows=rows or [cell("nothing here has these words", "faint")], things=things,
                   title=title, head=content.head if rows else EMPTY)  # fmt: skip


def _groups(rows: list[Row], things: Things) -> list[tuple[list[Row], Thing | None]]:
    """The rows of each thing; a row that is about none by itself."""
    about = [things[i] if i < len(things) else None for i in range(len(rows))]
    found: list[tuple[list[Row], Thing | None]] = []
    for thing, some in groupby(zip(rows, about, strict=True), key=lambda pair: pair[1]):
        own = [row for row, _ in some]
        found += [(own, thing)] if thing is not None else [([row], None) for row in own]
    return found


def _holds(rows: list[Row], thing: Thing | None, wanted: list[str]) -> bool:
    """What a narrow row has no room for counts too: whose it is, and of what."""
    about = "" if thing is None else f"{thing.instrument} {thing.book} {thing.plan}"
    text = f"{' '.join(map(text_of, rows))} {about}".casefold()
    return all(word in text for word in wanted)
