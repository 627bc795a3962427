"""The P&L pane: numbers and limits of each book. Its curve is drawn by tui.rows.equity."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from engine.model.view import BookView, EquityPoint
from tui import number_format as figures
from tui.books import Total, totals
from tui.plain_text import plain
from tui.rows import limits
from tui.rows.shared import mode_badge, stage_badge, together_rows
from tui.screen_state import ScreenState
from tui.styled_text import Row, cell, fit, join, width_of
from tui.view_facts import day_usd, main_books, own_total

_GAP = ("   ", "text")


def _pair(label: str, value: str, style: str = "text") -> Row:
    return ((f"{label} ", "dim"), (value, style))


def _lines(parts: list[Row], width: int) -> list[Row]:
    """Parts flowed into lines of `width` cells."""
    lines: list[Row] = []
    line: Row = ()
    for part in parts:
        longer = join((line, part), _GAP)
        if line and width_of(longer) > width:
            lines.append(fit(line, width))
            line = part
        else:
            line = longer
    return [*lines, fit(line, width)] if line else lines


def _share(wins: int, trades: int) -> str:
    return f"{wins} ({figures.percent(wins / trades)})" if trades else figures.NONE


def book_rows(book: BookView, width: int) -> list[Row]:
    """One book's numbers. Money is USD; realized is net of costs."""
    parts = [
        _pair("realized", figures.signed(book.realized_usd), f"{figures.tone(book.realized_usd)} bold"),
        _pair("open", figures.signed(book.open_usd), f"{figures.tone(book.open_usd)} bold"),
        _pair("costs", figures.signed(-abs(book.costs_usd))),
        _pair("trades closed", str(book.trades)),
        _pair("won", _share(book.wins, book.trades)),
        _pair("PF", figures.NONE if book.profit_factor is None else f"{book.profit_factor:.2f}"),
        _pair("maxDD at mark", figures.signed(-abs(book.max_drawdown_usd))),
    ]
    if book.balance_usd is not None:
        parts.append(_pair("balance", figures.usd(book.balance_usd)))
    used, left = book.margin.used_usd, book.margin.available_usd
    if used is not None:
        parts.append(_pair("margin", figures.usd(used)))
    if left is not None:
        parts.append(_pair("margin left", figures.usd(left), "text" if left > 0 else "warn bold"))
    return _lines(parts, width)


def _end(name: str) -> str:
    """A book's name in seven cells: its end tells accounts of one login apart."""
    return name if len(name) <= 7 else f"…{name[-6:]}"


def book_limit_rows(state: ScreenState, width: int, room: int) -> list[Row]:
    """The limits of all books, the nearest first: as many as the room has, each book under its name; of
    many books, and where there is little room, the tightest of each."""
    books = state.view.books
    if len(books) == 1:
        return limits.limit_rows(books[0].limits, width, room) or [cell("no limit is set", "warn")][:room]
    rows: list[Row] = []
    share = room // max(1, len(books)) - 1
    if len(books) > 2 or share < 1:
        tightest = [
            replace(book.limits[0], name=f"{_end(plain(book.book))} {limits.short_name(book.limits[0])}")
            for book in books
            if book.limits
        ]
        return limits.limit_rows(tightest, width, room)
    for book in books:
        if share > 0:
            rows.append(cell(f"limits of {plain(book.book)}", "dim"))
            rows += limits.limit_rows(book.limits, width, share) or [cell("no limit is set", "warn")]
    return rows


def _total_rows(total: Total, width: int) -> list[Row]:
    """What several books of one kind and currency come to."""
    names = ", ".join(plain(book.book) for book in total.books)
    head = f" {len(total.books)} books, {plain(total.currency)}: {names}"
    trades, wins = sum(book.trades for book in total.books), sum(book.wins for book in total.books)
    realized = sum((book.realized_usd for book in total.books), Decimal(0))
    still = sum((book.open_usd for book in total.books), Decimal(0))
    costs = sum((abs(book.costs_usd) for book in total.books), Decimal(0))
    parts = [
        _pair("realized", figures.signed(realized), f"{figures.tone(realized)} bold"),
        _pair("open", figures.signed(still), f"{figures.tone(still)} bold"),
        _pair("costs", figures.signed(-costs)),
        _pair("trades closed", str(trades)),
        _pair("won", _share(wins, trades)),
    ]
    return [fit((*mode_badge(total.kind), (head, "text bold")), width), *_lines(parts, width)]


def number_rows(state: ScreenState, width: int) -> list[Row]:
    """The numbers of all books, each under its name where there are several; of one kind and currency
    together, and of several currencies by the rates that are told."""
    books = state.view.books
    if not books:
        return [cell("no account yet", "dim")]
    if len(books) == 1:
        return book_rows(books[0], width)
    rows: list[Row] = []
    for total in totals(books):
        if len(total.books) > 1:
            rows += _total_rows(total, width)
            continue
        book = total.books[0]
        whose = f" {plain(book.book)} · {plain(book.account)}"
        rows.append(fit((*mode_badge(book.kind), *stage_badge([book]), (whose, "text bold")), width))
        rows.extend(book_rows(book, width))
    return [*rows, *(fit(row, width) for row in together_rows(state.view, width))]


def equity_curve(state: ScreenState) -> tuple[EquityPoint, ...]:
    """The day's total over time, of the badge's books: as it was known of each when any of them changed, and
    last as it is now."""
    own = own_total(state.view)
    books = [book for book in (() if own is None else own.books) if book.curve.points]
    if not books:
        return ()
    latest = [Decimal(0)] * len(books)
    changes = sorted((p.ts, i, p.usd) for i, book in enumerate(books) for p in book.curve.points)
    points = []
    for ts, i, usd in changes:
        latest[i] = usd
        points.append(EquityPoint(ts, sum(latest, Decimal(0))))
    return (*points, EquityPoint(max(state.view.ts, points[-1].ts), day_usd(state.view)))


def extremes(state: ScreenState, curve: Sequence[EquityPoint]) -> tuple[Decimal, Decimal]:
    """The day's highest and lowest total: of one book at every event, of several where the curve shows it.
    Where that was drawn a moment ago the total of now counts all the same."""
    books = main_books(state.view)
    values = [*(point.usd for point in curve), day_usd(state.view)]
    if len(books) == 1:
        values += [books[0].curve.high_usd, books[0].curve.low_usd]
    return max(values), min(values)


def curve_head(state: ScreenState, curve: Sequence[EquityPoint], width: int) -> Row:
    """ "high +184.20  low −12.00  now +152.20", of a curve of the day."""
    high, low = extremes(state, curve)
    pairs = (("high", high), ("low", low), ("now", day_usd(state.view)))
    return fit(
        join([_pair(name, figures.signed(usd), figures.tone(usd)) for name, usd in pairs], _GAP), width
    )
