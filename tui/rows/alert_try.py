"""A text as an alert room reads it: what it says, why it is not traded, and what each book's gate says."""

from __future__ import annotations

from decimal import Decimal

from engine.model.alert_tries import AlertTried, BookTried
from engine.model.alerts import Verdict
from engine.model.market import Side
from engine.model.view import View
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows.shared import kind_mark
from tui.styled_text import EMPTY, Row, cell, fit, wrap
from tui.view_facts import contract_of, lot_of

NOTHING = "nothing is sent, kept or counted: this only shows how the room would read it now"


def tried_rows(told: AlertTried, view: View, width: int) -> list[Row]:
    """The whole answer in `width` cells."""
    if not told.rooms:
        return [cell("no alert room is configured; docs/alerts.md says how", "warn")]
    good = told.verdict is Verdict.TRADED
    word = {Verdict.TRADED: "AN ALERT", Verdict.UNREAD: "NO ALERT"}.get(told.verdict, "REFUSED")
    rows: list[Row] = [
        (
            (f" {word} ", "ink on:ok bold" if good else "ink on:warn bold"),
            (f" as room {plain(told.room)} reads it", "dim"),
        ),
    ]
    if told.text:
        rows += [cell(line, "warn") for line in wrap(plain(told.text), width)]
    rows.append(EMPTY)
    rows += _terms(told, view)
    if told.books:
        rows += [EMPTY, cell("What the gate of each book says", "accent bold")]
        for book in told.books:
            rows += _book(told, book, view, width)
    return [fit(row, width) for row in rows]


def _terms(told: AlertTried, view: View) -> list[Row]:
    if not told.instrument or told.side is None:
        return [cell("no trade is read in it", "faint")]
    way = "long" if told.side is Side.BUY else "short"
    contract = contract_of(view, told.instrument)
    market = _price(told.market) if told.market is not None else figures.NONE
    last = "" if contract is None or contract.last is None else f" (last {_price(contract.last)})"
    values = (
        ("contract", plain(told.instrument), "accent bold"),
        ("side", way, figures.side(told.side.sign)),
        ("entry", _price(told.entry), "entry"),
        ("stop", _price(told.stop), "stop"),
        ("targets", " ".join(map(_price, told.targets)) or "none", "target"),
        ("size", told.grade.value if told.grade is not None else "no letter", "text"),
        ("market now", f"{market}{last}", "text"),
    )
    return [((f"{name:<11} ", "dim"), (value, style)) for name, value, style in values]


def _book(told: AlertTried, book: BookTried, view: View, width: int) -> list[Row]:
    lots = figures.quantity(book.qty, lot_of(view, told.instrument))
    goes = not book.against and told.verdict is Verdict.TRADED
    word = f"would enter {lots}" if goes else f"size {lots}, not entered"
    head: Row = (
        *kind_mark(view, book.kind),
        (f"{plain(book.book)}  ", "text bold"),
        (word, "ok bold" if goes else "warn bold"),
    )
    rows = [head]
    for reason in book.against:
        first, *rest = wrap(plain(reason), max(10, width - 4))
        rows += [(("  ⊘ ", "warn"), (first, "text")), *((("    ", "text"), (line, "text")) for line in rest)]
    if book.size_reason:
        rows += [cell(f"  {line}", "dim") for line in wrap(plain(book.size_reason), max(10, width - 2))]
    return rows


def _price(price: Decimal | None) -> str:
    return figures.NONE if price is None else f"{price.normalize():f}"
