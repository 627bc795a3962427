"""Looks that several panes and bars share: the badges of kinds of money, and the style of a price."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from engine.model.orders import AccountKind
from engine.model.sums import together
from engine.model.view import BookView, ContractView, View
from tui import number_format as figures
from tui.plain_text import plain
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, cell, width_of, wrap
from tui.view_facts import kind_of, own_total, session_of, side_days


def mode_badge(mode: AccountKind) -> Row:
    """The word that tells play money from real money. It is never dropped."""
    style = {AccountKind.PRACTICE: "practice", AccountKind.PAPER: "paper", AccountKind.LIVE: "live"}[mode]
    return cell(f" {mode.value.upper()} ", f"ink on:{style} bold")


def stage_badge(books: Iterable[BookView]) -> Row:
    """What firms' accounts are about, if all of them are about the same: " EVAL "."""
    stages = {book.stage for book in books}
    stage = stages.pop() if len(stages) == 1 else None
    return EMPTY if stage is None else cell(f"{stage.value.upper()} ", "ink on:live bold")


def kind_mark(view: View, kind: AccountKind) -> Row:
    """A word before whatever is not of the badge's kind; nothing before the rest."""
    return EMPTY if kind is view.mode else ((kind.value.upper(), f"ink on:{kind.value} bold"), (" ", "text"))


Amount = tuple[AccountKind, str, Decimal]
"""Money of a kind, in a currency."""


def side_amounts(view: View, amounts: Iterable[Amount], currency: str = "USD") -> Row:
    """Amounts of other kinds of money, each behind its word: " PAPER +12.00"; and what is not in the main
    currency with its own: " +3.00 EUR"."""
    spans: list[tuple[str, str]] = []
    for kind, unit, amount in amounts:
        spans += [(" ", "text"), *kind_mark(view, kind), (figures.signed(amount), figures.tone(amount))]
        spans += [(f" {plain(unit)}", "dim")] if unit != currency else []
    return tuple(spans)


def days_beside(view: View) -> Row:
    """The day of all money that the badge does not stand for."""
    own = own_total(view)
    amounts = [(total.kind, total.currency, total.day) for total in side_days(view)]
    return side_amounts(view, amounts, "USD" if own is None else own.currency)


def together_rows(view: View, width: int) -> list[Row]:
    """The day of money in several currencies as one, with the rates that it is made by: where they come from
    and how old they are. "PRACTICE together +310.20 USD  1 USDT = 0.9998 USD by BTCUSD / BTCUSDT, 3 s old".
    """
    rows: list[Row] = []
    for kind, one in together(view).items():
        head: Row = (*mode_badge(kind), (" together ", "dim"))
        if one.usd is not None:
            head = (*head, (figures.signed(one.usd), f"{figures.tone(one.usd)} bold"), (" USD  ", "dim"))
        tone = "warn" if one.missing or any(rate.stale for rate in one.rates) else "dim"
        first, *rest = wrap(plain(one.words), max(12, width - width_of(head)))
        if width_of(head) + width_of(cell(first)) > width:
            rows.append(head)
            first, *rest = wrap(plain(one.words), max(12, width - 2))
            head = (("  ", "text"),)
        rows.append((*head, (first, tone)))
        rows += [(("  ", "text"), (line, tone)) for line in rest]
    return rows


def book_chip(state: ScreenState) -> Row:
    """Which book is picked, on the colour of its kind; nothing where there is one."""
    view, name = state.view, plain(state.book)
    if len(view.books) < 2:
        return EMPTY
    if not name:
        return ((f"▸all {len(view.books)} books", "accent bold"),)
    known = any(book.book == state.book for book in view.books)
    kind = kind_of(view, state.book)
    style = f"ink on:{kind.value} bold" if known else "ink on:error bold"
    stage = stage_badge(book for book in view.books if book.book == state.book)
    word = kind.value.upper() if known else "not here"
    return ((f"▸ {name} {word} {stage[0][0] if stage else ''}", style),)


def told_zone(state: ScreenState) -> Row:
    """In which zone messages have their times, where the clock at the top is another one's."""
    shown = session_of(state.view, state.contract)
    view = state.view
    return EMPTY if shown.zone == view.told_in else cell(plain(view.told_mark), "dim")


def price_style(contract: ContractView, flash: int) -> str:
    """How a contract's last price looks: stale, flashing, or plain."""
    if contract.stale or contract.last is None:
        return "stale"
    if flash > 1:
        return "text bold on:flash-up"
    if flash < -1:
        return "text bold on:flash-down"
    return f"{figures.trend(flash)} bold" if flash else "text bold"
