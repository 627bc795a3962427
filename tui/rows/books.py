"""The books side by side: a table with a row for each, and one line where there is no room for it."""

from __future__ import annotations

from engine.model.orders import AccountKind
from engine.model.outages import blind_books, cut_off, several_venues
from engine.model.view import BookView, BotView, FlattenStep, View
from engine.model.view_standing import StandingWord
from tui import clock_times as times
from tui import number_format as figures
from tui.books import at_risk, of_book, ordered_books, outage, totals
from tui.plain_text import plain
from tui.rows import limits
from tui.rows.shared import kind_mark, mode_badge, side_amounts, stage_badge
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Column, Row, cell, fit, join, table, width_of
from tui.view_facts import held_word, standing

STATES = {
    "ACTIVE": ("●", "ok"),
    "REDUCING": ("◒", "warn bold"),
    "PAUSED": ("‖", "warn bold"),
    "OFF": ("○", "warn bold"),
    "NO ENTRIES": ("⊘", "warn bold"),
    "BLOCKED": ("⊘", "error bold"),
    "LOCKED": ("■", "error bold"),
    "HALTED": ("■", "error bold"),
}
"""How each state of a book looks: shape and style."""

_COLUMNS = (
    Column("  book", "<"),
    Column("kind", "<"),
    Column("venue", "<", rank=9),
    Column("state", "<"),
    Column("day P&L", least=9),
    Column("", "<"),
    Column("open", rank=5),
    Column("pos", rank=2),
    Column("risk", rank=6),
    Column("margin left", rank=7),
    Column("orders", rank=8),
    Column("tightest limit", "<", rank=1),
    Column("left", rank=3),
    Column("links", "<", rank=4),
    Column("copy", rank=10),
)
_STEPS = list(FlattenStep)


def book_state(view: View, book: BookView) -> Row:
    """What can happen in one book now, in a few words: "■ LOCKED until 17:00 CT"."""
    if book.flatten is not None:
        step = _STEPS.index(book.flatten.step)
        style = "error bold" if book.flatten.alarm else "warn bold"
        return cell(f"▼ flattening {step + 1}/{len(_STEPS)} {_STEPS[step].value}", style)
    word, until = _word(view, book)
    sign, style = STATES[word]
    end = ""
    if until is not None:
        end = f" until {times.when(until, view.ts, view.told_in)} {plain(view.told_mark)}"
    own = [r for r in view.restrictions if r.instrument and r.book in ("", book.book) and r.word == "PAUSED"]
    paused = ", ".join(dict.fromkeys(plain(held.instrument) for held in own))
    more: Row = EMPTY
    if word == "ACTIVE" and paused:
        more = cell(f" ‖ {paused}", "warn")
    if not book.reconciled:
        more = (*more, (" not verified", "warn bold"))
    cut = cut_off(view).get(book.venue) or blind_books(view).get(book.book)
    if word == "NO ENTRIES" and cut:
        end = f": {outage(cut)}"
    return ((f"{sign} {word}{end}", style), *more)


def _word(view: View, book: BookView) -> tuple[str, int | None]:
    """The book's state and when it ends: what is on the record, else what its own gate would say."""
    at = standing(of_book(view, book.book))
    word = held_word(at)
    if word is StandingWord.ACTIVE:
        everywhere = [r for r in view.restrictions if r.book == book.book and not r.instrument]
        if everywhere:
            return everywhere[0].word, everywhere[0].until
    return word, at.causes[0].until if at.causes and word is not StandingWord.ACTIVE else None


def _links(view: View, book: BookView) -> Row:
    if book.kind is AccountKind.PAPER and not book.venue:
        return cell(figures.NONE, "faint")
    cut = cut_off(view).get(book.venue)
    if cut is not None:
        return cell(f"✕ {outage(cut)}", "bad bold")
    mine = [link for link in view.links if link.venue in ("", book.venue) and link.book in ("", book.book)]
    needed = [link for link in mine if link.needed]
    ill = [f"{plain(link.name)} {link.state.value}" for link in needed if link.state.value != "live"]
    if ill:
        return cell(f"✕ {', '.join(ill)}", "bad bold")
    return cell("●", "ok") if needed else cell("◌", "warn")


def _risk(view: View, book: BookView) -> Row:
    """What would be lost from the marks to the stops."""
    sums, bare = at_risk(view, [p for p in view.positions if p.book == book.book])
    if bare:
        return cell("no stop!", "error bold")
    if not sums:
        return cell("·", "faint")
    return cell(
        " ".join(f"{figures.usd(usd)}{f' {unit}' * (unit != book.currency)}" for unit, usd in sums.items())
    )


def _margin_left(book: BookView) -> Row:
    left = book.margin.available_usd
    if left is None:
        return cell(figures.NONE, "faint")
    return cell(figures.usd(left), "text" if left > 0 else "warn bold")


def _record(state: ScreenState, book: BookView) -> tuple[Row, ...]:
    view = state.view
    picked = book.book == state.book
    held = sum(p.book == book.book for p in view.positions)
    orders = sum(o.book == book.book for o in view.orders)
    nearest = book.limits[0] if book.limits else None
    return (
        cell(f"{'▸' if picked else ' '} {plain(book.book)}", "accent bold" if picked else "text bold"),
        (*mode_badge(book.kind), *stage_badge([book])),
        cell(plain(book.venue) or figures.NONE, "dim"),
        book_state(view, book),
        cell(figures.signed(book.day_usd), f"{figures.tone(book.day_usd)} bold"),
        cell(plain(book.currency), "dim"),
        cell(figures.signed(book.open_usd), figures.tone(book.open_usd)),
        cell(str(held) if held else "·", "text" if held else "faint"),
        _risk(view, book),
        _margin_left(book),
        cell(str(orders) if orders else "·", "text" if orders else "faint"),
        limits.short_row(nearest, left=False) if nearest is not None else cell("none set", "warn"),
        cell(
            f"{limits.left_of(nearest)} {limits.unit_of(nearest)}".strip() if nearest else figures.NONE, "dim"
        ),
        _links(view, book),
        cell(f"×{book.copy_ratio.normalize():f}", "dim"),
    )


def book_rows(state: ScreenState, width: int) -> tuple[Row, list[Row]]:
    """Head and a row for each book, in the order in which they are picked."""
    books = ordered_books(state.view)
    idle = {
        "venue": not several_venues(state.view),
        "margin left": all(book.margin.available_usd is None for book in books),
    }
    used = [i for i, column in enumerate(_COLUMNS) if not idle.get(column.title)]
    records = [_record(state, book) for book in books]
    return table([_COLUMNS[i] for i in used], [[cells[i] for i in used] for cells in records], width)


def total_row(view: View) -> Row:
    """What the day comes to, only ever within one kind of money and one currency: "2 LIVE +304.40 USD"."""
    parts: list[Row] = []
    for total in totals(view.books):
        count = len(total.books)
        parts.append(
            (
                ("sum of " if count > 1 else "", "dim"),
                (f"{count} {total.kind.value.upper()} ", f"{total.kind.value} bold"),
                (figures.signed(total.day), f"{figures.tone(total.day)} bold"),
                (f" {plain(total.currency)}", "dim"),
            )
        )
    return join(parts, (" · ", "faint"))


def book_strip_row(state: ScreenState, width: int) -> Row:
    """All books in one line, as much of each as fits; a picked one that would not fit stands alone."""
    books = ordered_books(state.view)
    all_of: Row = ((" ▸all" if not state.book else "  all", "accent bold" if not state.book else "faint"),)
    for detail in (3, 2, 1, 0):
        gap = " │ " if detail > 2 else "  " if detail else " "
        row = join([all_of, *(_strip_cell(state, book, detail) for book in books)], (gap, "faint"))
        if width_of(row) <= width:
            return row
    shown = [book for book in books if book.book == state.book]
    ill = sum(_word(state.view, book)[0] != "ACTIVE" for book in books)
    words = f" {len(books)} books, {ill} not active" if ill else f" {len(books)} books, all active"
    row = join([all_of, cell(words, "warn bold" if ill else "dim")], (" ", "text"))
    return fit(join([row, *(_strip_cell(state, book, 3) for book in shown)], (" │ ", "faint")), width)


def _strip_cell(state: ScreenState, book: BookView, detail: int) -> Row:
    picked = book.book == state.book
    name = plain(book.book)
    if not detail:
        name = figures.shortened(name, 7)
    sign, style = ("▼", "warn bold") if book.flatten is not None else STATES[_word(state.view, book)[0]]
    amount = figures.signed(book.day_usd, 2 if detail > 2 else 0)
    mark = kind_mark(state.view, book.kind) if detail else EMPTY
    spans: list[tuple[str, str]] = [("▸" if picked else "", "accent bold"), *mark]
    spans += [(name, "accent bold underline" if picked else "text"), (sign, style)]
    if detail:
        spans.append((amount if detail > 1 else amount[:1], figures.tone(book.day_usd)))
        spans += [(f" {plain(book.currency)}", "dim")] * (book.currency != "USD")
    return tuple(span for span in spans if span[0])


def bot_rows(view: View, width: int) -> list[Row]:
    """The strategy instances, where there are several: what each is and does, and what it has made today."""
    tested = any(bot.backtest is not None for bot in view.bots)
    if len(view.bots) < 2 and not tested:
        return []
    columns = (
        Column("bot", "<", least=9),
        Column("plans"),
        Column("day"),
        Column("strategy", "<", rank=2),
        *((Column("live"), Column("backtest"), Column("band", "<")) if tested else ()),
        Column("state", "<", least=12, grow=True),
    )
    records = [
        (
            cell(plain(bot.name), "text bold"),
            cell(str(bot.open_plans)),
            (
                (figures.signed(bot.day_usd), figures.tone(bot.day_usd)),
                *((f" {plain(bot.currency)}", "dim"),) * (bot.currency != "USD"),
                *side_amounts(
                    view, [(one.kind, one.currency, one.day_usd) for one in bot.beside], bot.currency
                ),
            ),
            cell(plain(bot.strategy), "dim"),
            *(_tested(bot) if tested else ()),
            cell(plain(bot.state), "error bold" if bot.out else "ok" if bot.state == "running" else "dim"),
        )
        for bot in view.bots
    ]
    head, rows = table(columns, records, width)
    return [head, *rows]


def _tested(bot: BotView) -> tuple[Row, ...]:
    """Live results beside those of the backtest, in R a trade, and what the test says of them."""
    told = bot.backtest
    if told is None:
        return cell(""), cell(""), cell("")
    live = figures.NONE
    if told.live_mean_r is not None:
        live = f"{told.live_trades} × {figures.signed(told.live_mean_r)} R"
    band = "below" if told.behind else "within" if told.live_trades else figures.NONE
    return (
        cell(live),
        cell(f"{figures.signed(told.mean_r)} R", "dim"),
        cell(band, "error bold" if told.behind else "dim"),
    )
