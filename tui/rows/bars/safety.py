"""The line under the status bar that answers one question: am I safe?

The nearest limit and the connections while all is well; before them what is locked, and why, and until when,
or how far a flatten has come and what holds it up.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.view import FlattenStep, FlattenView, View
from engine.model.view_standing import StandingView, StandingWord
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows import limits, links
from tui.rows.shared import kind_mark
from tui.rows.state import closing_words, state_words
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Part, Row, cell, squeeze
from tui.view_facts import catches_up, held_word, lot_of, main_books, standing

_STATES = {
    "ACTIVE": ("", "warn"),
    "REDUCING": ("◒ ", "warn bold"),
    "PAUSED": ("‖ ", "warn bold"),
    "OFF": ("○ ", "warn bold"),
    "NO ENTRIES": ("⊘ ", "ink on:warn bold"),
    "BLOCKED": ("⊘ ", "ink on:error bold"),
    "LOCKED": ("■ ", "ink on:error bold"),
    "HALTED": ("■ ", "ink on:error bold"),
}
_STEPS = list(FlattenStep)
_REASONS = ((30, 400), (12, 60), (11, 44), (10, 32), (9, 22))
"""Rank by which a reason gives way, and cells that it may take: a whole one before ages and bars."""


def _cut(words: str, length: int) -> str:
    whose, colon, _ = words.partition(": ")
    if colon and len(whose) >= length:
        return figures.shortened(whose, length)  # which book it is, before why
    return words if len(words) <= length else f"{words[: length - 1].rstrip()}…"


def _brief(alarm: str, length: int) -> str:
    """Without its reason where that has no room: the first letters of it would tell nothing."""
    return alarm if len(alarm) <= length else _cut(alarm.partition(": ")[0], length)


def state_part(view: View, at: StandingView) -> Part:
    """What holds entries back, with the end, the reason, and what goes on meanwhile; nothing while everything
    may be traded."""
    words = state_words(view, at)
    if catches_up(view):
        told = (words.line(), words.head)
        return Part(
            tuple((rank, cell(f" {one} ", "warn bold")) for rank, one in zip((4, 0), told, strict=True))
        )
    calm = at.word in (StandingWord.ACTIVE, StandingWord.REDUCING)
    if not view.books or (calm and not words.notes):
        return Part(((0, EMPTY),))
    sign, style = _STATES[at.word]

    def said(line: str) -> Row:
        return cell(f" {sign}{line} ", style)

    count = len(words.notes)
    variants = [(4, said(words.line(notes=count - i))) for i in range(count)]
    if calm:
        short = cell(f" {_cut(words.notes[0], 24)} ", style)
        return Part((*variants, (7, short), (0, EMPTY)))
    least = 8 if words.notes else 30
    for rank, length in _REASONS:
        variants.append((min(rank, least), said(words.line(notes=0, reason=_cut(words.reason, length)))))
    for rank, length in ((8, 22), (4, 12)):
        line = words.line(notes=0, left=False, reason=_cut(words.reason, length))
        variants.append((rank, said(line)))
    variants += [(2, said(words.line(notes=0, left=False, reason=""))), (0, said(at.word.value))]
    return Part(tuple(variants))


def _open(view: View, flattens: Mapping[str, FlattenView]) -> tuple[str, str]:
    """The positions and the orders that flattens, by book, still have before them."""
    latched = {(book, instrument) for book, flatten in flattens.items() for instrument in flatten.instruments}
    positions = [p for p in view.positions if (p.book, p.instrument) in latched]
    held = ", ".join(
        f"{plain(p.instrument)} {figures.held(p.qty, lot_of(view, p.instrument))}" for p in positions
    )
    orders = sum((o.book, o.instrument) in latched for o in view.orders)
    return held, f"{orders} order{'s' * (orders != 1)}" if orders else ""


def flatten_part(view: View, flattens: Mapping[str, FlattenView], at: StandingView) -> Part:
    """Which step, what is open, how long already; red with the reason once it has escalated. `flattens` by
    book; of several the one counts that is farthest behind."""
    held, orders = _open(view, flattens)
    behind = min(_STEPS.index(flatten.step) for flatten in flattens.values())
    step = f"{behind + 1}/{len(_STEPS)} {_STEPS[behind].value}"
    began = min((flatten.since for flatten in flattens.values() if flatten.since), default=0)
    age = figures.lasting(view.ts - began) if began else ""
    alarm = " · ".join(plain(flatten.alarm) for flatten in flattens.values() if flatten.alarm)
    sign, style = ("✕", "ink on:error bold") if alarm else ("▼", "ink on:warn bold")
    stays = held_word(at)
    after = "" if stays is StandingWord.ACTIVE else stays.value

    def said(*parts: str) -> Row:
        return cell(f" {' · '.join(part for part in parts if part)} ", style)

    word = f"{sign} FLATTENING"
    if 0 < len(flattens) < len(main_books(view)):
        word += f" {', '.join(plain(book) for book in flattens)}"
    closing = closing_words(view, flattens.values())
    least_word, word = word, f"{word} {closing}".rstrip()
    whole = f"open: {' + '.join(part for part in (held, orders) if part)}" if held or orders else ""
    least = f"open: {held or orders}" if whole else ""
    short = "" if alarm else step
    return Part(
        (
            (30, said(word, alarm, step, whole, age, after)),
            (12, said(word, _cut(alarm, 72), step, whole, age)),
            (11, said(word, _brief(alarm, 36), step, least, age)),
            (10, said(word, _brief(alarm, 32), short, least, age)),
            (9, said(word, _brief(alarm, 26), short, least, age)),
            (8, said(word, _brief(alarm, 22), short, least)),
            (4, said(word, _brief(alarm, 20) or least or step)),
            (0, said(least_word)),
        )
    )


def limit_parts(view: View) -> list[Part]:
    """The nearest limit in money: bar, share, band in a word, what is left; and one that is nearer still."""
    money, other = limits.nearest(view)
    if money is None and other is None:
        return [Part(((13, cell("no limit is set", "warn")), (3, EMPTY)))] if view.books else []
    parts = []
    if money is not None:
        whose, limit = _whose(view, money), money[1]
        least = limits.short_row(limit, left=False)
        parts.append(
            Part(
                (
                    (34, (*whose, *limits.short_row(limit, 12, unit=True))),
                    (32, (*whose, *limits.short_row(limit, 6))),
                    (13, (*whose, *limits.short_row(limit))),
                    (3, (*whose, *least)),
                    (0, least),
                )
            )
        )
    if other is not None:
        whose, limit = _whose(view, other), other[1]
        least = limits.short_row(limit, left=False)
        parts.append(
            Part(
                (
                    (29, (*whose, *limits.short_row(limit))),
                    (14 if money is not None else 0, least),
                    (0, EMPTY),
                )
            )
        )
    return parts


def _whose(view: View, found: limits.Owned) -> Row:
    """The book's name where there are several."""
    return ((f"{plain(found[0].book)} ", "dim"),) if len(main_books(view)) > 1 else EMPTY


def brackets_part(view: View) -> Part:
    """A mark while stop and target are paired by tstream rather than by the venue."""
    own = any(not book.brackets for book in main_books(view))
    return Part(((15, cell("own OCO", "warn")), (0, EMPTY)), right=True) if own else Part(((0, EMPTY),))


def side_part(view: View) -> Part:
    """What holds a book of another kind of money back, behind its word: "PAPER LOCKED"."""
    spans: list[tuple[str, str]] = []
    for book in view.books:
        if book.kind is view.mode or (book.restriction is None and book.flatten is None):
            continue
        word = "flattening…"
        if book.flatten is None and book.restriction is not None:
            word = book.restriction.word
        if sum(other.kind is book.kind for other in view.books) > 1:
            word = f"{plain(book.book)} {word}"
        spans += [*kind_mark(view, book.kind), (word, "warn bold"), (" ", "text")]
    return Part(((16, tuple(spans[:-1])), (0, EMPTY)) if spans else ((0, EMPTY),), right=True)


def safety_row(state: ScreenState, width: int) -> Row:
    """The whole line in exactly `width` cells."""
    view = state.view
    at = standing(view)
    flattens = {book.book: book.flatten for book in main_books(view) if book.flatten is not None}
    first = flatten_part(view, flattens, at) if flattens else state_part(view, at)
    # What is wrong stands at the left edge like the badge above it; else the limit begins one cell in.
    parts = [first, *limit_parts(view), brackets_part(view), side_part(view), links.links_part(view)]
    indent = "" if first.variants[0][1] else " "
    row = squeeze(parts, width - len(indent) - 1, "  ")
    return ((indent, "text"), *row, (" ", "text")) if indent else (*row, (" ", "text"))
